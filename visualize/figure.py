"""Timelines as matplotlib figures, without pyplot."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, Locator

from fastapi_tasks.timeline import Timeline
from visualize.labels import Labels
from visualize.layout import arrange
from visualize.painter import paint
from visualize.scene import Scene
from visualize.theme import COLORS, Palette, ThemeName
from visualize.words import MS, harmless, tick_labels, ticks


def plot(
    timelines: Timeline | Iterable[Timeline],
    *,
    ax: Axes | None = None,
    theme: ThemeName = "light",
) -> Axes:
    """Draw the timelines and return the axes, whose x axis is in milliseconds."""
    scene = arrange(timelines)
    palette = COLORS[theme]
    if ax is None:
        ax = _axes(scene, palette)
    _dress(ax, scene, palette)
    paint(ax, scene, palette)
    Labels(ax, scene, palette)
    return ax


def to_png(figure: Axes | Figure, *, dpi: float = 160) -> bytes:
    """Return the figure as a PNG file."""
    return _save(figure, "png", dpi)


def to_svg(figure: Axes | Figure) -> bytes:
    """Return the figure as an SVG file."""
    return _save(figure, "svg", 72)


def _save(figure: Axes | Figure, kind: str, dpi: float) -> bytes:
    whole = figure.get_figure(root=True) if isinstance(figure, Axes) else figure
    assert whole is not None
    file = BytesIO()
    whole.savefig(file, format=kind, dpi=dpi, facecolor=whole.get_facecolor())
    return file.getvalue()


def _axes(scene: Scene, palette: Palette) -> Axes:
    rows = max(len(scene.lanes), 1)
    row = min(0.4, 8.5 / rows)
    height = rows * row + 0.25
    total = height + 0.75
    figure = Figure(figsize=(8, total), facecolor=palette["background"])
    ax = figure.add_axes((1.5 / 8, 0.4 / total, 6.35 / 8, height / total))
    ax.set_ylim(rows - 0.5, -0.5 - 0.25 / row)
    if len(scene.groups) == 1:
        ax.set_title(
            harmless(scene.groups[0].title), loc="left", fontsize=10, weight="bold",
            color=palette["text"], parse_math=False,
        )  # fmt: skip
    return ax


def _dress(ax: Axes, scene: Scene, palette: Palette) -> None:
    span = max(scene.end - scene.start, 1) / MS
    ax.set_xlim(scene.start / MS - 0.01 * span, scene.end / MS + 0.03 * span)
    ax.set_facecolor(palette["background"])
    ax.set_yticks([])
    ax.spines[["left", "right", "top"]].set_visible(False)
    ax.spines["bottom"].set_color(palette["grid"])
    ax.xaxis.set_major_locator(TimeLocator())
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: tick_labels([round(value * MS)])[0])
    )
    ax.tick_params(colors=palette["muted"], labelsize=7.5, length=0)
    ax.grid(axis="x", color=palette["grid"], linewidth=0.8)
    ax.set_axisbelow(True)


class TimeLocator(Locator):
    """Round moments in the unit that suits the view."""

    def __call__(self) -> list[float]:
        assert self.axis is not None
        low, high = sorted(self.axis.get_view_interval())
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        return [tick / MS for tick in ticks(round(vmin * MS), round(vmax * MS), 8)]
