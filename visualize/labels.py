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

from visualize.frame import GUTTER, NAME, SMALL, Frame, subtitle, title
from visualize.notes import notes
from visualize.scene import Scene
from visualize.theme import Palette
from visualize.words import MARK_WORDS, MS

MANY = 400
"""Beyond this many bars, none is labelled."""


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
        assert axes is not None
        figure = axes.get_figure(root=True)
        assert figure is not None
        self.scene = labels.scene
        self.frame = labels.frame
        self.palette = labels.palette
        self.renderer = renderer
        self.axes = axes
        self.figure = figure
        self.point = figure.dpi / 72
        self.left = figure.bbox.x0 + 3 * self.point
        self.right = min(axes.bbox.x1, figure.bbox.x1 - 2 * self.point)
        self.lane = abs(self.y(1) - self.y(0))

    def texts(self) -> Iterator[Text]:
        if self.frame.names == "beside":
            yield from self.names_beside()
        elif self.frame.names == "above":
            yield from self.names_above()
        yield from self.marks()
        if len(self.scene.bars) <= MANY and self.lane >= SMALL * 1.2 * self.point:
            yield from self.notes()

    def x(self, at: int) -> float:
        return float(self.axes.transData.transform((at / MS, 0))[0])

    def y(self, lane: float) -> float:
        return float(self.axes.transData.transform((0, lane))[1])

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
        """Cut the middle out of words that do not fit; nothing is left where little would be."""
        if self.width(words, size, weight) <= room:
            return words
        low, high = 0, len(words) - 1
        while low < high:
            keep = (low + high + 1) // 2
            fits = self.width(_shorten(words, keep), size, weight) <= room
            low, high = (keep, high) if fits else (low, keep - 1)
        return _shorten(words, low) if low > 1 else ""

    def names_beside(self) -> Iterator[Text]:
        """The names, right-aligned beside their lanes, thinned out where those are dense."""
        x = self.axes.bbox.x0 - GUTTER * self.point
        size = min(NAME, max(6.0, self.lane / self.point * 0.72))
        two = self.lane >= 2.2 * NAME * self.point
        every = max(1, -int(-1.3 * size * self.point // self.lane))
        for index in range(0, len(self.scene.lanes), every):
            lane = self.scene.lanes[index]
            weight = self.weight(index)
            name = self.elide(title(lane, self.scene), x - self.left, size, weight)
            below = self.elide(subtitle(lane), x - self.left, SMALL) if two else ""
            lift = 5.2 * self.point if below else 0.0
            y = self.y(index + self.frame.middle)
            if name:
                yield self.text(x, y + lift, name, size, ha="right", weight=weight)
            if below and lane.mode:
                color = self.palette[lane.mode]
                yield self.text(x, y - lift, below, SMALL, ha="right", color=color)

    def names_above(self) -> Iterator[Text]:
        """The names, each above its bar and followed by its mode."""
        left = self.axes.bbox.x0 + 1 * self.point
        for index, lane in enumerate(self.scene.lanes):
            y = self.y(index - 0.26)
            weight = self.weight(index)
            name = self.elide(title(lane, self.scene), self.right - left, NAME - 0.5, weight)
            yield self.text(left, y, name, NAME - 0.5, weight=weight, **self.halo())
            after = left + self.width(name, NAME - 0.5, weight) + 6 * self.point
            if lane.mode and after + self.width(subtitle(lane), SMALL) <= self.right:
                color = self.palette[lane.mode]
                yield self.text(after, y, subtitle(lane), SMALL, color=color, **self.halo())

    def weight(self, lane: int) -> str:
        several = len(self.scene.groups) > 1
        return "bold" if several and self.scene.lanes[lane].kind == "request" else "normal"

    def halo(self, color: str | None = None) -> dict[str, Any]:
        """Keep words readable where lines run behind them."""
        foreground = color or self.palette["background"]
        return {"path_effects": [withStroke(linewidth=2.5, foreground=foreground)]}

    def marks(self) -> Iterator[Text]:
        """Name the lines of the topmost request, in the strip above it, where there is room."""
        if any(lane.kind == "shared" and lane.request is None for lane in self.scene.lanes):
            return
        marks = sorted(mark for mark in self.scene.marks if mark.first == 0)
        spots = [self.spots(self.x(mark.at), MARK_WORDS[mark.kind]) for mark in marks]
        gap = 5 * self.point
        for chosen in product(*spots):
            ordered = sorted((low, high) for low, high in chosen)
            fits = self.left <= ordered[0][0] and ordered[-1][1] <= self.right if ordered else True
            apart = all(a[1] + gap <= b[0] for a, b in pairwise(ordered))
            if fits and apart:
                y = self.y(-0.5) + 4.5 * self.point
                for mark, (low, _) in zip(marks, chosen, strict=True):
                    words = MARK_WORDS[mark.kind]
                    yield self.text(low, y, words, SMALL, va="baseline", color=self.palette["text"])
                return

    def spots(self, x: float, words: str) -> list[tuple[float, float]]:
        """Where the name of a mark at `x` could stand: left or right of it."""
        width, gap = self.width(words, SMALL), 3 * self.point
        return [(x - gap - width, x - gap), (x + gap, x + gap + width)]

    def notes(self) -> Iterator[Text]:
        for note in notes(self, self.axes.bbox.x0):
            y = self.y(note.lane + self.frame.middle)
            behind = self.halo(note.halo) if note.halo else {}
            yield self.text(note.x, y, note.words, SMALL, color=note.color, **behind)


def _shorten(words: str, keep: int) -> str:
    """Keep this many characters of the start and the end."""
    tail = keep // 2
    return f"{words[: keep - tail]}…{words[len(words) - tail :]}"
