"""The words on a figure, placed when it is drawn, so that they fit whatever size it has then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox, IdentityTransform

from visualize.scene import Bar, Lane, Scene
from visualize.theme import Palette, ink
from visualize.words import MARK_WORDS, MS, duration, harmless


class Labels(Artist):
    """All words of a scene but its title and axis."""

    def __init__(self, ax: Axes, scene: Scene, palette: Palette) -> None:
        super().__init__()
        self.scene = scene
        self.palette = palette
        self.texts: list[Text] = []
        self.set_zorder(5)
        ax.add_artist(self)
        # Nothing may clip the names, which stand outside of the axes.
        self.set_clip_on(False)

    def get_children(self) -> list[Artist]:
        return list(self.texts)

    def get_window_extent(self, renderer: RendererBase | None = None) -> Bbox:
        return Bbox.union(
            [text.get_window_extent(renderer) for text in self.texts] or [Bbox.null()]
        )

    def draw(self, renderer: RendererBase) -> None:
        self.texts = list(self._place(renderer))
        for text in self.texts:
            text.draw(renderer)

    def _place(self, renderer: RendererBase) -> Iterator[Text]:
        page = Page(self, renderer)
        yield from page.names()
        yield from page.marks()
        yield from page.notes()


class Page:
    """One drawing of the labels: sizes in pixels of this renderer."""

    def __init__(self, labels: Labels, renderer: RendererBase) -> None:
        assert labels.axes is not None
        self.ax = labels.axes
        self.scene = labels.scene
        self.palette = labels.palette
        self.renderer = renderer
        self.figure = self.ax.figure
        self.box = self.ax.bbox
        self.point = self.ax.figure.dpi / 72
        self.row = abs(self.y(1) - self.y(0))

    def x(self, at: int) -> float:
        return float(self.ax.transData.transform((at / MS, 0))[0])

    def y(self, lane: float) -> float:
        return float(self.ax.transData.transform((0, lane))[1])

    def text(self, x: float, y: float, words: str, size: float, **style: Any) -> Text:
        style = {"ha": "left", "va": "center_baseline", "color": self.palette["text"], **style}
        text = Text(
            x, y, words, fontsize=size, transform=IdentityTransform(),
            parse_math=False, usetex=False, **style,
        )  # fmt: skip
        text.set_figure(self.figure)
        return text

    def width(self, words: str, size: float, weight: str = "normal") -> float:
        return float(
            self.text(0, 0, words, size, weight=weight).get_window_extent(self.renderer).width
        )

    def elide(self, words: str, room: float, size: float, weight: str = "normal") -> str:
        """Cut the middle out of what does not fit; nothing is left of what never will."""
        if self.width(words, size, weight) <= room:
            return words
        low, high = 0, len(words)
        while low < high:
            keep = (low + high + 1) // 2
            fits = self.width(_shorten(words, keep), size, weight) <= room
            low, high = (keep, high) if fits else (low, keep - 1)
        return _shorten(words, low) if low > 1 else ""

    def names(self) -> Iterator[Text]:
        """The names of the lanes, right-aligned beside them, thinned out where they are dense."""
        right = self.box.x0 - 8 * self.point
        room = right - self.figure.bbox.x0 - 3 * self.point
        size = min(9.0, max(5.5, self.row / self.point * 0.62))
        two = self.row >= 27 * self.point
        every = max(1, -(-int(size * 1.35 * self.point) // max(int(self.row), 1)))
        for index in range(0, len(self.scene.lanes), every):
            lane = self.scene.lanes[index]
            weight = "bold" if lane.kind == "request" and len(self.scene.groups) > 1 else "normal"
            name = self.elide(self.name(lane), room, size, weight)
            if not name:
                continue
            below = self.below(lane) if two else ""
            lift = 5.4 * self.point if below else 0
            yield self.text(right, self.y(index) + lift, name, size, ha="right", weight=weight)
            if below:
                color = self.palette[lane.mode] if lane.mode else self.palette["muted"]
                below = self.elide(below, room, 7)
                yield self.text(right, self.y(index) - lift, below, 7, ha="right", color=color)

    def name(self, lane: Lane) -> str:
        if lane.kind == "request" and len(self.scene.groups) == 1:
            return "request"
        return harmless(lane.label)

    def below(self, lane: Lane) -> str:
        if lane.mode is None:
            return ""
        return f"{lane.mode} · thread" if lane.thread else lane.mode

    def marks(self) -> Iterator[Text]:
        """Name the two lines of each request, above them, where there is room."""
        top = self.y(-0.5) + 3 * self.point
        marks = [mark for mark in self.scene.marks if mark.first == 0]
        if len({mark.request for mark in marks}) > 1:
            return
        for mark in marks:
            first = mark.kind == "endpoint_end" and len(marks) == 2
            x = self.x(mark.at) + (-2 if first else 2) * self.point
            words = MARK_WORDS[mark.kind]
            yield self.text(
                x,
                top,
                words,
                7.5,
                ha="right" if first else "left",
                va="bottom",
                color=self.palette["muted"],
            )

    def notes(self) -> Iterator[Text]:
        """Say how long each bar lasted: in it, or else beside it."""
        if self.row < 10 * self.point:
            return
        lanes: dict[int, list[Bar]] = {}
        for bar in self.scene.bars:
            lanes.setdefault(bar.lane, []).append(bar)
        for bars in lanes.values():
            bars.sort(key=lambda bar: (bar.start, bar.end))
            ends = [*(self.x(bar.start) for bar in bars[1:]), self.box.x1]
            for bar, end in zip(bars, ends, strict=True):
                yield from self.note(bar, end)

    def note(self, bar: Bar, free_to: float) -> Iterator[Text]:
        words, size = _words(bar), 7.5
        if not words:
            return
        left, right = self.x(bar.start), self.x(bar.end)
        width = self.width(words, size)
        color = (
            self.palette[bar.mode]
            if bar.mode
            else self.palette.get(bar.kind, self.palette["phase"])
        )
        if width + 10 * self.point <= right - left:
            yield self.text(left + 7 * self.point, self.y(bar.lane), words, size, color=ink(color))
        elif right + width + 12 * self.point <= free_to:
            yield self.text(
                right + 7 * self.point, self.y(bar.lane), words, size, color=self.palette["muted"],
                path_effects=[withStroke(linewidth=2, foreground=self.palette["background"])],
            )  # fmt: skip


def _words(bar: Bar) -> str:
    if bar.kind == "run":
        return "running" if bar.open else f"ran {duration(bar.end - bar.start)}"
    if bar.kind == "busy":
        return f"{harmless(bar.label)} held the loop for {duration(bar.end - bar.start)}"
    return {
        "endpoint": "endpoint",
        "sending": "response being sent",
        "after": "after the response",
    }.get(bar.kind, "")


def _shorten(words: str, keep: int) -> str:
    head = (keep + 1) // 2
    tail = keep - head
    return f"{words[:head]}…{words[-tail:] if tail else ''}" if keep < len(words) else words
