"""The room for words in and beside the bars of one thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from visualize.layout import Bar, Scene
from visualize.theme import Palette, ink, looks

from .frame import SMALL, elide

MARGIN = 7
"""Points between the end of a bar and words."""


class Note(NamedTuple):
    """Words that begin at `x` pixels on a lane, `outside` a bar, or on a `plate` over its hatch."""

    lane: int
    x: float
    words: str
    color: str
    outside: bool = False
    plate: str | None = None


class Sheet(Protocol):
    """What the words stand on: pixels for moments and for words."""

    scene: Scene
    palette: Palette
    point: float
    right: float

    def x(self, at: int) -> float: ...
    def sees(self, bar: Bar) -> bool: ...
    def width(self, words: str, size: float) -> float: ...


class Room:
    """The room in and beside the bars of one thing, from `low` to `high` pixels."""

    def __init__(self, sheet: Sheet, bars: Sequence[Bar], low: float, high: float) -> None:
        self.sheet = sheet
        self.lane = bars[0].lane
        self.low = low
        self.high = high
        self.margin = MARGIN * sheet.point
        self.start = sheet.x(min(bar.start for bar in bars))
        last = max(bars, key=lambda bar: bar.end)
        # The dashes behind an open bar reach as far as the axes.
        self.used = max(low, high if last.open else sheet.x(last.end))
        self.colors = looks(sheet.palette)

    def anywhere(
        self, bar: Bar, options: Sequence[str], color: str | None = None
    ) -> Iterator[Note]:
        """Place the first option that fits: in the bar, or right of it, or left of it."""
        found = (
            list(self.inside(bar, options))
            or list(self.right(options, color))
            or list(self.left(options, color))
        )
        yield from found

    def inside(self, bar: Bar, options: Sequence[str]) -> Iterator[Note]:
        start, end = self.sheet.x(bar.start), self.sheet.x(bar.end)
        words = self._first(options, end - start - 2 * self.margin)
        if words:
            look = self.colors[bar.kind, bar.mode]
            plate = look.fill if look.hatch else None
            yield Note(self.lane, start + self.margin, words, ink(look.fill), plate=plate)

    def cut(self, words: str, tail: str) -> str:
        """Words with their middle cut out, so that they fit on one side of the bars."""
        most = max(self.high - self.used, self.start - self.low) - 2 * self.margin
        return elide(words, most, lambda words: self.sheet.width(words + tail, SMALL)) + tail

    def fits_right(self, words: str) -> bool:
        return bool(self._first([words], self.high - self.used - 2 * self.margin))

    def right(self, options: Sequence[str], color: str | None = None) -> Iterator[Note]:
        words = self._first(options, self.high - self.used - 2 * self.margin)
        if words:
            x = self.used + self.margin
            self.used = x + self.sheet.width(words, SMALL)
            yield self._beside(x, words, color)

    def left(self, options: Sequence[str], color: str | None = None) -> Iterator[Note]:
        words = self._first(options, self.start - self.low - 2 * self.margin)
        if words:
            x = self.start - self.margin - self.sheet.width(words, SMALL)
            yield self._beside(x, words, color)

    def _beside(self, x: float, words: str, color: str | None) -> Note:
        palette = self.sheet.palette
        return Note(self.lane, x, words, color or palette["muted"], outside=True)

    def _first(self, options: Sequence[str], room: float) -> str:
        """The first option that fits; measured only where it might."""
        least = 0.3 * SMALL * self.sheet.point
        fitting = (
            words
            for words in options
            if words and len(words) * least <= room and self.sheet.width(words, SMALL) <= room
        )
        return next(fitting, "")
