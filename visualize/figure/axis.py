"""The time axis: round moments, each with the unit that suits the view."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.ticker import Formatter, Locator

from visualize.layout import Scene
from visualize.theme import Palette
from visualize.words import MS, tick_labels, ticks

from .frame import EDGE, SMALL, Frame, width_of
from .rows import Rows

APART = (54, 42, 32)
"""Least distance of two ticks, in points: what looks best first, the least there can be last."""
LETTER = 5.2
"""More than the width of a digit in points: a label that would leave the figure is left out."""


class TimeLocator(Locator):
    """Ticks at round moments of an axis in milliseconds, as many as have room for their labels."""

    def __call__(self) -> list[float]:
        assert self.axis is not None
        return self.tick_values(*sorted(self.axis.get_view_interval()))

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        room = self._points()
        # Round steps may leave a narrow axis with a single tick, from which nothing can be read.
        for apart in APART:
            found = _fitting(vmin, vmax, room, apart)
            if len(found) > 2:
                break
        return found

    def _points(self) -> float:
        """The width of the axes in points; a guess while there are none."""
        axes = getattr(self.axis, "axes", None)
        return width_of(axes) if isinstance(axes, Axes) else 400.0


def _fitting(vmin: float, vmax: float, room: float, apart: float) -> list[float]:
    """Choose ticks whose labels stay inside of the figure."""
    found = ticks(round(vmin * MS), round(vmax * MS), int(room / apart) + 1)
    scale = room / max(vmax - vmin, 1e-9)
    return [
        tick / MS
        for tick, label in zip(found, tick_labels(found), strict=True)
        if LETTER * len(label) / 2 < EDGE + scale * min(tick / MS - vmin, vmax - tick / MS)
    ]


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
    ax.set_ylim(Rows(scene, frame).bottom, -0.5 - frame.head / frame.lane)
    lay_time(ax, palette)
    if not scene.bars:
        ax.set_xticks([])


def lay_time(ax: Axes, palette: Palette) -> None:
    """Give the axes a time axis below, with its grid, and nothing else around them."""
    ax.set_facecolor(palette["paper"])
    ax.set_yticks([])
    for side, spine in ax.spines.items():
        spine.set(visible=side == "bottom", color=palette["grid"], linewidth=0.8)
    ax.xaxis.set_major_locator(TimeLocator())
    ax.xaxis.set_major_formatter(TimeFormatter())
    ax.tick_params(axis="x", colors=palette["muted"], labelsize=SMALL, length=0, pad=4)
    ax.grid(visible=True, axis="x", color=palette["grid"], linewidth=0.8, linestyle="-")
    ax.set_axisbelow(True)
