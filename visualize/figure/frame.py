"""The measures of one set of axes: how high a lane is, and where the names go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

from visualize.layout import Lane, Scene

from .fonts import legible

Names = Literal["beside", "above", "within"]
"""Names stand left of the axes, above their bars, or, where lanes are shared, on the bars."""

POINT = 1 / 72
"""A point, in inches."""
NAME, SMALL = 9.0, 7.5
"""Sizes of text, in points."""
EDGE = 7.0
"""Points kept free along the edges of a figure."""
GUTTER = 9.0
"""Points between the names and the axes."""
SLIM = 13.0
"""Points that the lane of a span takes where others are higher."""
HIGHEST = 640.0
"""Points that many lanes may take together."""
NARROW = 4.6
"""Up to this width in inches, names stand above their bars."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`lane` and `head` are heights in points: of a lane, and of the strip for the marks' names.

    `middle` is where in its lane a bar stands, `half` half its height; both in lanes. `titled` says
    that a title above names the request.
    """

    names: Names
    lane: float
    head: float = 15.0
    middle: float = 0.0
    half: float = 0.25
    titled: bool = True

    @property
    def hatched(self) -> bool:
        """Whether a bar is high enough to show its hatch."""
        return self.half * self.lane >= 2.2

    @property
    def marker(self) -> float:
        """The size of a sign, in points; 0 where there is no room for one."""
        size = 1.1 * self.half * self.lane
        return 0.0 if size < 2.4 else min(size, 6.6)

    @property
    def says_modes(self) -> bool:
        """Whether each name comes with its task's mode."""
        return self.names == "above" or (self.names == "beside" and self.lane >= 2.3 * NAME)

    @property
    def edge(self) -> float:
        """The width of a bar's outline, in points."""
        return min(0.12 * self.lane, 0.7)

    @property
    def slim(self) -> float:
        """How high the lane of a span is, in lanes."""
        return min(SLIM / self.lane, 1.0)


def frame_for(scene: Scene, width: float) -> Frame:
    """Choose the measures for a figure of our own that is `width` inches wide."""
    lanes = max(len(scene.lanes), 1)
    spans = _spans(scene)
    if any(lane.kind == "shared" for lane in scene.lanes):
        names: Names = "within" if is_tiled(scene) else "beside"
        return Frame(names, max(HIGHEST / max(lanes, 28), 0.2), half=0.38)
    if width <= NARROW:
        return Frame("above", max(min(34.0, 1200 / lanes), 22.0), middle=0.2, half=0.19)
    if lanes - spans + spans * SLIM / 29.0 <= 24:
        return Frame("beside", 29.0)
    return Frame("beside", max(HIGHEST / lanes, 9.0), half=0.36)


def frame_of(ax: Axes, scene: Scene) -> Frame:
    """Choose the measures that suit axes as they are."""
    figure = whole(ax)
    lane = _lane_in(max(ax.bbox.height / figure.dpi / POINT - 15, 1.0), scene)
    room = (ax.bbox.x0 - left_of(ax.bbox, figure)) / figure.dpi / POINT
    if is_tiled(scene) or lane < 8:
        return Frame("within", lane, half=0.38, titled=False)
    if room >= min(names_width(figure, scene, titled=False), 110.0) + GUTTER:
        return Frame("beside", lane, half=0.25 if lane >= 26 else 0.36, titled=False)
    if lane >= 22:
        return Frame("above", lane, middle=0.2, half=0.19, titled=False)
    return Frame("within", lane, half=0.38, titled=False)


def _spans(scene: Scene) -> int:
    return sum(lane.kind == "span" for lane in scene.lanes)


def _lane_in(height: float, scene: Scene) -> float:
    """How high a lane of full height is, where all take so many points together."""
    lanes, spans = max(len(scene.lanes), 1), _spans(scene)
    if lanes == spans:
        return height / lanes
    return max((height - SLIM * spans) / (lanes - spans), height / lanes)


def whole(ax: Axes) -> Figure:
    """The figure that axes are in, also where they are in a part of it."""
    figure: Any = ax.figure
    return figure if isinstance(figure, Figure) else figure.figure


def width_of(ax: Axes) -> float:
    """The width of axes in points."""
    return float(ax.bbox.width / whole(ax).dpi / POINT)


def left_of(own: BboxBase, figure: Figure) -> float:
    """The pixel where the room left of axes begins: at other axes, or the figure's edge."""
    others = (ax.bbox for ax in figure.axes)
    ends = [box.x1 for box in others if box.x1 <= own.x0 and box.y0 < own.y1 and own.y0 < box.y1]
    return float(max(ends, default=figure.bbox.x0))


def is_tiled(scene: Scene) -> bool:
    """Whether requests share lanes."""
    return any(lane.request is None for lane in scene.lanes)


def names_width(figure: Figure, scene: Scene, *, titled: bool) -> float:
    """The width of the longest name in points."""
    named = [lane for lane in scene.lanes if lane.kind != "span"]
    words = {(title(lane, scene, titled), NAME, weight(lane, scene)) for lane in named}
    words |= {(subtitle(lane), SMALL, "normal") for lane in named}
    # Only the longest in characters can be the longest in points.
    likely = sorted(words, key=lambda said: -len(said[0]) * said[1])[:12]
    return max((measure(figure, *said) for said in likely), default=0.0)


def measure(figure: Figure, words: str, size: float, weight: str = "normal") -> float:
    """The width of words in points, and a little more: it varies with the resolution."""
    text = Text(0, 0, words, fontsize=size, weight=weight, parse_math=False, usetex=False)
    text.set_figure(figure)
    return 1.03 * float(text.get_window_extent().width) / figure.dpi / POINT


def title(lane: Lane, scene: Scene, titled: bool) -> str:
    """What a lane is called; a request has its title elsewhere where it is alone and `titled`."""
    elsewhere = titled and lane.kind == "request" and len(scene.groups) == 1
    return "request" if elsewhere else legible(lane.label)


def weight(lane: Lane, scene: Scene) -> str:
    """The weight of a lane's name; the names of several requests head their lanes."""
    return "bold" if lane.kind == "request" and len(scene.groups) > 1 else "normal"


def subtitle(lane: Lane) -> str:
    """The mode of the lane's task, and whether it runs in a thread."""
    return "" if lane.mode is None else f"{lane.mode} · thread" if lane.thread else lane.mode


def elide(words: str, room: float, width: Callable[[str], float]) -> str:
    """Cut the middle out of words that are too wide; nothing is left where little would be."""
    if width(words) <= room:
        return words
    low, high = 0, len(words) - 1
    while low < high:
        keep = (low + high + 1) // 2
        low, high = (keep, high) if width(_shorten(words, keep)) <= room else (low, keep - 1)
    return _shorten(words, low) if low > 3 else ""


def _shorten(words: str, keep: int) -> str:
    """Keep this many characters of the start and the end."""
    tail = keep // 2
    return f"{words[: keep - tail]}…{words[len(words) - tail :]}"
