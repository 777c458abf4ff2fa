"""The words on a figure, placed when it is drawn, so that they fit whatever size it has then."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox, IdentityTransform

from visualize.layout import Bar, Scene
from visualize.theme import Palette, readable
from visualize.words import MARK_WORDS, MS

from .frame import (
    GUTTER,
    NAME,
    SMALL,
    Frame,
    elide,
    is_tiled,
    left_of,
    subtitle,
    title,
    weight,
    whole,
)
from .notes import notes
from .rows import Rows

MANY = 600
"""Beyond this many bars, none is labelled; the pieces of a span count as one."""


class Labels(Artist):
    """The names of the lanes and marks, and what there is to say about the bars."""

    def __init__(self, ax: Axes, scene: Scene, frame: Frame, palette: Palette) -> None:
        super().__init__()
        self.scene = scene
        self.frame = frame
        self.palette = palette
        self.texts: list[Text] = []
        self.set_zorder(5)
        ax.add_artist(self)
        # The names stand outside of the axes.
        self.set_clip_path(None)

    def get_children(self) -> list[Artist]:
        return list(self.texts)

    def get_window_extent(self, renderer: RendererBase | None = None) -> Bbox:
        extents = [text.get_window_extent(renderer) for text in self.texts]
        return Bbox.union(extents) if extents else Bbox.null()

    def draw(self, renderer: RendererBase) -> None:
        self.texts = list(Page(self, renderer).texts())
        for text in self.texts:
            text.draw(renderer)


class Page:
    """One drawing of the labels; all measures are pixels of its renderer."""

    def __init__(self, labels: Labels, renderer: RendererBase) -> None:
        axes = labels.axes
        assert isinstance(axes, Axes)
        figure = whole(axes)
        self.scene = labels.scene
        self.frame = labels.frame
        self.palette = labels.palette
        self.renderer = renderer
        self.axes = axes
        self.figure = figure
        self.point = figure.dpi / 72
        self.left = left_of(axes.bbox, figure) + 3 * self.point
        self.right = min(axes.bbox.x1, figure.bbox.x1 - 2 * self.point)
        self.rows = Rows(self.scene, self.frame)
        self.lane = abs(self.y(1) - self.y(0))

    def texts(self) -> Iterator[Text]:
        if self.frame.names == "beside":
            yield from self.names_beside()
        elif self.frame.names == "above":
            yield from self.names_above()
        yield from self.marks()
        if _said(self.scene) <= MANY and self.lane >= SMALL * 1.2 * self.point:
            yield from self.notes()

    def x(self, at: int) -> float:
        """Where a moment is, or the edge of the axes on that side."""
        low, high = self.axes.bbox.intervalx
        return float(min(max(self.axes.transData.transform((at / MS, 0))[0], low), high))

    def y(self, lane: float) -> float:
        """The pixel of a height, in lanes of full height."""
        return float(self.axes.transData.transform((0, lane))[1])

    def middle(self, lane: int) -> float:
        """Where the bars of a lane stand."""
        return self.y(self.rows.middle[lane])

    def sees(self, bar: Bar) -> bool:
        """Whether the axes show any of a bar: someone may have zoomed in."""
        low, high = (limit * MS for limit in self.axes.get_xlim())
        return self.sees_lane(bar.lane) and bar.end >= low and bar.start <= high

    def sees_lane(self, lane: int) -> bool:
        return self.sees_height(self.rows.centre[lane])

    def sees_height(self, height: float) -> bool:
        return bool(self.axes.bbox.y0 <= self.y(height) <= self.axes.bbox.y1)

    def text(self, x: float, y: float, words: str, size: float, **style: Any) -> Text:
        style = {"ha": "left", "va": "center_baseline", "color": self.palette["text"], **style}
        text = Text(
            x, y, words, fontsize=size, transform=IdentityTransform(),
            parse_math=False, usetex=False, **style,
        )  # fmt: skip
        text.set_figure(self.figure)
        return text

    def width(self, words: str, size: float, weight: str = "normal") -> float:
        text = self.text(0, 0, words, size, weight=weight)
        return float(text.get_window_extent(self.renderer).width)

    def elide(self, words: str, room: float, size: float, weight: str = "normal") -> str:
        return elide(words, room, lambda words: self.width(words, size, weight))

    def names_beside(self) -> Iterator[Text]:
        """The names, right-aligned beside their lanes, thinned out where those are dense."""
        x = self.axes.bbox.x0 - GUTTER * self.point
        size = min(NAME, max(6.0, self.lane / self.point * 0.72))
        for index in self.thinned(1.3 * size * self.point):
            lane, y = self.scene.lanes[index], self.middle(index)
            bold = weight(lane, self.scene)
            name = self.elide(title(lane, self.scene, self.frame.titled), x - self.left, size, bold)
            below = self.mode_of(index, x - self.left) if self.frame.says_modes else None
            lift = 5.2 * self.point if below else 0.0
            if name:
                yield self.text(x, y + lift, name, size, ha="right", weight=bold)
            if below:
                words, color = below
                yield self.text(x, y - lift, words, SMALL, ha="right", color=color)

    def mode_of(self, index: int, room: float) -> tuple[str, str] | None:
        """The words for the mode of a lane's task, and their colour, if there is one."""
        lane = self.scene.lanes[index]
        words = self.elide(subtitle(lane), room, SMALL)
        return (words, readable(self.palette[lane.mode], self.palette)) if lane.mode else None

    def thinned(self, height: float) -> list[int]:
        """The lanes that are named when a name is `height` pixels high; requests come first."""
        rows = enumerate(self.scene.lanes)
        # Spans have their names on their bars, or beside them.
        named = (index for index, lane in rows if lane.label and lane.kind != "span")
        lanes = [index for index in named if self.sees_lane(index)]
        chosen: list[int] = []
        for index in sorted(lanes, key=lambda index: self.scene.lanes[index].kind != "request"):
            at = self.middle(index)
            if all(abs(at - self.middle(other)) >= height for other in chosen):
                chosen.append(index)
        return sorted(chosen)

    def names_above(self) -> Iterator[Text]:
        """The names, each above its bar and followed by its mode."""
        left, size = self.axes.bbox.x0 + self.point, NAME - 0.5
        for index in self.thinned(0):
            lane, y = self.scene.lanes[index], self.y(self.rows.top[index] + 0.24)
            bold = weight(lane, self.scene)
            name = title(lane, self.scene, self.frame.titled)
            name = self.elide(name, self.right - left, size, bold)
            yield self.text(left, y, name, size, weight=bold, **self.halo())
            after = left + self.width(name, size, bold) + 6 * self.point
            if lane.mode and after + self.width(subtitle(lane), SMALL) <= self.right:
                color = readable(self.palette[lane.mode], self.palette)
                yield self.text(after, y, subtitle(lane), SMALL, color=color, **self.halo())

    def halo(self) -> dict[str, Any]:
        """Keep words readable where lines run behind them."""
        return {"path_effects": [withStroke(linewidth=3, foreground=self.palette["paper"])]}

    def marks(self) -> Iterator[Text]:
        """Name the lines of the topmost request, in the strip above it, where there is room."""
        there = not is_tiled(self.scene) and self.sees_height(-0.5)
        low, high = (limit * MS for limit in self.axes.get_xlim())
        named = [m for m in self.scene.marks if there and m.first == 0 and low <= m.at <= high]
        # Where not all names fit, that of the response matters most.
        for marks in (named, named[1:], named[:1]):
            spots = [self.spots(self.x(mark.at), MARK_WORDS[mark.kind]) for mark in marks]
            for chosen in product(*spots):
                if marks and self.fit(sorted(chosen)):
                    y = self.y(-0.5) + 4.5 * self.point
                    for mark, (low, _) in zip(marks, chosen, strict=True):
                        yield self.text(low, y, MARK_WORDS[mark.kind], SMALL, va="baseline")
                    return

    def fit(self, spans: list[tuple[float, float]]) -> bool:
        """Whether spans of pixels, from left to right, are inside the figure and apart."""
        apart = all(one[1] + 5 * self.point <= other[0] for one, other in pairwise(spans))
        return apart and self.left <= spans[0][0] and spans[-1][1] <= self.right

    def spots(self, x: float, words: str) -> list[tuple[float, float]]:
        """Where the name of a mark at `x` could stand: left or right of it."""
        width, gap = self.width(words, SMALL), 3 * self.point
        return [(x - gap - width, x - gap), (x + gap, x + gap + width)]

    def notes(self) -> Iterator[Text]:
        for note in notes(self, self.axes.bbox.x0, named=self.frame.names == "within"):
            y = self.middle(note.lane)
            behind = self.halo() if note.outside else {}
            if note.plate:
                box = {"facecolor": note.plate, "edgecolor": "none", "boxstyle": "square,pad=0.15"}
                behind = {"bbox": box}
            yield self.text(note.x, y, note.words, SMALL, color=note.color, **behind)


def _said(scene: Scene) -> int:
    spans = {(bar.request, bar.span) for bar in scene.bars if bar.kind == "span"}
    return len(spans) + sum(bar.kind != "span" for bar in scene.bars)
