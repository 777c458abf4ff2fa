"""A scene painted on matplotlib axes: one collection for each look, never one artist per bar.

The x axis is in milliseconds after the scene's origin, the y axis in lanes, downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from fastapi_tasks.timeline import MODES
from visualize.layout import Bar, Scene
from visualize.theme import SHAPES, Look, Palette, looks
from visualize.words import MS

from .frame import Frame, is_tiled, width_of
from .rows import Rows

Floats: TypeAlias = NDArray[np.float64]
Columns: TypeAlias = dict[str, NDArray[Any]]

MARKERS = {"circle": "o", "diamond": "D", "triangle": "^", "wedge": "v", "star": "*"}
SIZES = {"star": 1.7}
"""How much larger than others a shape has to be to look as large."""
ENDINGS = {"error": "X", "cancelled": "s", "discarded": "o", "abandoned": ">", "timeout": "d"}
MARK_STYLES: dict[str, Any] = {"endpoint_end": (0, (3, 2)), "response_sent": "-"}
MANY = 300
"""Beyond this many arrows, or marks, they would hide more than they show: none is drawn."""
CHUNK = 200
"""Matplotlib aligns a path with the pixels only while it is short."""
FADING = ((0.10, 0.34), (0.46, 0.66), (0.78, 0.92))
"""The dashes behind an open bar, as shares of the room behind the scene's end."""


def paint(ax: Axes, scene: Scene, frame: Frame, palette: Palette) -> None:
    """Draw all of the scene but its words."""
    painter = _Painter(ax, scene, frame, palette)
    painter.bands()
    painter.separators()
    painter.bars()
    painter.marks()
    painter.arrows()
    painter.signs()


def columns(rows: tuple[Any, ...], *names: str) -> Columns:
    """Turn like named tuples into arrays: those of their fields that are asked for."""
    if not rows:
        return {name: np.array([]) for name in names}
    every = dict(zip(rows[0]._fields, zip(*rows, strict=True), strict=True))
    return {name: np.array(every[name]) for name in names}


def shows_arrows(scene: Scene, frame: Frame) -> bool:
    """Whether the arrows are few enough, and the lanes high enough, to follow them."""
    return 0 < len(scene.arrows) <= MANY and frame.marker > 0


def shows_marks(scene: Scene) -> bool:
    """Whether the marks are few enough."""
    return 0 < len(scene.marks) <= MANY


def shows_releases(scene: Scene, frame: Frame) -> bool:
    """Whether there is room for the shapes that mark a release."""
    releases = sum(sign.kind == "released" for sign in scene.signs)
    return 0 < releases <= 4 * MANY and frame.marker > 0


class _Painter:
    def __init__(self, ax: Axes, scene: Scene, frame: Frame, palette: Palette) -> None:
        self.ax = ax
        self.scene = scene
        self.frame = frame
        self.palette = palette
        self.rows = Rows(scene, frame)

    def bars(self) -> None:
        low, high = self.ax.get_xlim()
        pad = high - self.scene.end / MS
        # A bar that is too short to be seen is drawn a pixel wide.
        least = 0.45 * (high - low) / max(width_of(self.ax), 1.0)
        shown = _joined(self.scene.bars, round(2 * least * MS))
        bars = columns(shown, "lane", "start", "end", "kind", "mode", "open", "backwards")
        start = bars["start"] / MS
        boxes = self.boxes(start, np.maximum(bars["end"] / MS, start + least), bars["lane"])
        wrong, open_ = bars["backwards"].astype(bool), bars["open"].astype(bool)
        for (kind, mode), look in looks(self.palette).items():
            chosen = (bars["kind"] == kind) & (bars["mode"] == mode)
            high = kind != "span"
            self.add(boxes[chosen & ~wrong], look, high=high)
            end, lane = bars["end"][chosen & open_] / MS, bars["lane"][chosen & open_]
            for first, last in FADING:
                self.add(self.boxes(end + first * pad, end + last * pad, lane), look, high=high)
        self.add(boxes[wrong], Look("none", self.palette["error"]), linestyle=":")

    def separators(self) -> None:
        """Rule a line between requests."""
        if is_tiled(self.scene):
            return
        y = self.rows.top[[group.first for group in self.scene.groups[1:]]]
        low, high = (np.full(len(y), limit) for limit in self.ax.get_xlim())
        ends = np.stack([low, y, high, y], axis=1).reshape(-1, 2, 2)
        self.lines(ends, self.palette["grid"], 0.8, zorder=1)

    def bands(self) -> None:
        """Shade the lanes of a request while something held the event loop."""
        held = tuple(bar for bar in self.scene.bars if bar.kind == "busy")
        bars = columns(held, "start", "end")
        lanes = [bar.lane for bar in held]
        top = self.rows.top[[self.scene.groups[bar.request].first for bar in held]]
        bottom = self.rows.middle[lanes] - self.rows.half[lanes]
        boxes = _boxes(bars["start"] / MS, bars["end"] / MS, top, bottom)
        self.add(boxes, Look(self.palette["band"], "none"), zorder=0.6)

    def boxes(self, start: Floats, end: Floats, lane: NDArray[Any]) -> Floats:
        lane = lane.astype(int)
        middle, half = self.rows.middle[lane], self.rows.half[lane]
        return _boxes(start, end, middle - half, middle + half)

    def add(
        self, boxes: Floats, look: Look, zorder: float = 2, *, high: bool = True, **style: Any
    ) -> None:
        if not len(boxes):
            return
        style = {"facecolor": look.fill, "edgecolor": look.edge, **style}
        style["linewidth"] = self.frame.edge if high else 0.6
        if look.hatch is None or not self.frame.hatched:
            # One array goes a fast way, though the annotations ask for a sequence.
            polygons: Any = boxes
            collection = PolyCollection(polygons, zorder=zorder, **style)
            self.ax.add_collection(collection, autolim=False)
            return
        # A hatch costs as much for a path of many boxes as for one of a single box.
        for at in range(0, len(boxes), CHUNK):
            patch = PathPatch(_path(boxes[at : at + CHUNK]), hatch=look.hatch, **style)
            patch.set_hatchcolor(look.lines or look.edge)
            patch.set_zorder(zorder)
            self.ax.add_artist(patch)

    def marks(self) -> None:
        if not shows_marks(self.scene):
            return
        for kind, style in MARK_STYLES.items():
            found = tuple(mark for mark in self.scene.marks if mark.kind == kind)
            marks = columns(found, "at", "first")
            # The lines that are named reach up to their names.
            head = 0.3 * self.frame.head / self.frame.lane
            named = (marks["first"] == 0) & (not is_tiled(self.scene))
            top = self.rows.top[[mark.first for mark in found]] - head * named
            bottom = np.array([self.rows.end(mark.last) for mark in found])
            x = marks["at"] / MS
            ends = np.stack([x, top, x, bottom], axis=1).reshape(-1, 2, 2)
            look = {"linestyles": [style], "zorder": 1.6, "label": f"_{kind}"}
            self.lines(ends, self.palette["text"], 0.9, **look)

    def arrows(self) -> None:
        """Draw each arrow down to its lane, along the wait, and onto the start."""
        if not shows_arrows(self.scene, self.frame):
            return
        arrows = columns(self.scene.arrows, "at", "lane", "to_lane")
        lane, to_lane = arrows["lane"].astype(int), arrows["to_lane"].astype(int)
        x = arrows["at"] / MS
        to = np.array([a.at if a.to is None else a.to for a in self.scene.arrows]) / MS
        top = self.rows.middle[to_lane] - self.rows.half[to_lane]
        gap = 3.4 / self.frame.lane
        corners = [(x, self.rows.middle[lane]), (x, top - gap), (to, top - gap)]
        points = np.array([*corners, (to, top)]).transpose(2, 0, 1)
        self.lines(points, self.palette["arrow"], 0.75, zorder=1.4)
        tips = top - 1.3 / self.frame.lane
        self.dots(to, tips, marker="v", ms=3.0, mfc=self.palette["arrow"], mec="none", zorder=2.6)

    def signs(self) -> None:
        for mode in MODES if shows_releases(self.scene, self.frame) else ():
            signs = tuple(s for s in self.scene.signs if (s.kind, s.mode) == ("released", mode))
            size = 0.62 * self.frame.marker * SIZES.get(SHAPES[mode], 1.0)
            style = {"mfc": self.palette["paper"], "mec": self.palette[mode], "mew": 0.9}
            self.sign(signs, MARKERS[SHAPES[mode]], ms=size, zorder=3, **style)
        size, edge = (self.frame.marker + 0.9, 0.9) if self.frame.marker else (2.0, 0.0)
        # However many there are, and however low their lanes, each is marked.
        for kind, marker in ENDINGS.items():
            signs = tuple(sign for sign in self.scene.signs if sign.kind == kind)
            style = {"mfc": self.palette["error"], "mec": self.palette["paper"], "mew": edge}
            self.sign(signs, marker, ms=size, zorder=4, **style)
        failed = tuple(bar for bar in self.scene.bars if bar.kind == "span" and bar.error)
        self.failed(failed)

    def failed(self, bars: tuple[Bar, ...]) -> None:
        """Mark the end of each span that an error left."""
        found = columns(bars, "end", "lane")
        style = {"mfc": self.palette["error"], "mec": self.palette["paper"], "mew": 0.6}
        y = self.rows.middle[found["lane"].astype(int)]
        self.dots(found["end"] / MS, y, marker=ENDINGS["error"], ms=5.0, zorder=4, **style)

    def sign(self, signs: tuple[Any, ...], marker: str, **style: Any) -> None:
        found = columns(signs, "at", "lane")
        y = self.rows.middle[found["lane"].astype(int)]
        self.dots(found["at"] / MS, y, marker=marker, **style)

    def lines(self, points: Floats, color: str, width: float, **style: Any) -> None:
        if not len(points):
            return
        collection = LineCollection(list(points), colors=color, linewidths=width, **style)
        self.ax.add_collection(collection, autolim=False)

    def dots(self, x: Floats, y: Floats, **style: Any) -> None:
        if len(x):
            self.ax.add_artist(Line2D(x, y, linestyle="none", **style))


def _joined(bars: Sequence[Bar], gap: int) -> tuple[Bar, ...]:
    """The bars, with those pieces of a span as one that are less than `gap` nanoseconds apart."""
    joined: list[Bar] = []
    for bar in bars:
        last = joined[-1] if joined else bar
        same = (last.request, last.span, last.lane) == (bar.request, bar.span, bar.lane)
        if joined and bar.kind == "span" and same and bar.start - last.end < gap:
            joined[-1] = bar._replace(start=last.start, backwards=last.backwards or bar.backwards)
        else:
            joined.append(bar)
    return tuple(joined)


def _boxes(start: Floats, end: Floats, top: Floats, bottom: Floats) -> Floats:
    """The corners of many rectangles, as (n, 4, 2)."""
    xs = np.stack([start, start, end, end], axis=1)
    ys = np.stack([top, bottom, bottom, top], axis=1)
    return np.stack([xs, ys], axis=2)


def _path(boxes: Floats) -> Path:
    closed = np.concatenate([boxes, boxes[:, :1]], axis=1).reshape(-1, 2)
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
    return Path(closed, np.tile(codes, len(boxes)))
