"""The time axis: round moments, each with the unit that suits the view."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.ticker import Formatter, Locator

from visualize.frame import SMALL, Frame
from visualize.scene import Scene
from visualize.theme import Palette
from visualize.words import MS, tick_labels, ticks

APART = 54
"""Least distance of two ticks, in points."""


class TimeLocator(Locator):
    """Ticks at round moments of an axis in milliseconds, as many as have room for their labels."""

    def __call__(self) -> list[float]:
        assert self.axis is not None
        return self.tick_values(*sorted(self.axis.get_view_interval()))

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        room = 400.0
        if isinstance(axes := getattr(self.axis, "axes", None), Axes):
            figure = axes.get_figure(root=True)
            assert figure is not None
            room = axes.bbox.width / figure.dpi * 72
        most = int(room / APART) + 1
        return [tick / MS for tick in ticks(round(vmin * MS), round(vmax * MS), most)]


class TimeFormatter(Formatter):
    """Ticks in words such as `20 ms`, all in one unit."""

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002
        return tick_labels([round(x * MS)])[0]

    def format_ticks(self, values: Iterable[float]) -> list[str]:
        return tick_labels([round(value * MS) for value in values])


def dress(ax: Axes, scene: Scene, frame: Frame, palette: Palette) -> None:
    """Give the axes their limits and look."""
    span = max(scene.end - scene.start, 1) / MS
    ax.set_xlim(scene.start / MS - 0.012 * span, scene.end / MS + 0.035 * span)
    ax.set_ylim(*frame.limits(scene))
    ax.set_facecolor(palette["background"])
    ax.set_yticks([])
    for side, spine in ax.spines.items():
        spine.set(visible=side == "bottom", color=palette["grid"], linewidth=0.8)
    ax.xaxis.set_major_locator(TimeLocator())
    ax.xaxis.set_major_formatter(TimeFormatter())
    ax.tick_params(axis="x", colors=palette["muted"], labelsize=SMALL, length=0, pad=4)
    ax.grid(visible=True, axis="x", color=palette["grid"], linewidth=0.8, linestyle="-")
    ax.set_axisbelow(True)
