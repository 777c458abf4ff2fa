"""What a figure says about its bars: in them where it fits, else beside them, else not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, Protocol

from visualize.fonts import legible
from visualize.frame import SMALL
from visualize.scene import Bar, Scene
from visualize.theme import Palette, ink, looks
from visualize.words import duration

MARGIN = 7
"""Points between the end of a bar and words."""

PHASES = {
    "endpoint": "endpoint",
    "handling": "request",
    "sending": "response being sent",
    "after": "after the response",
    "waiting": "waits for the response",
}


class Note(NamedTuple):
    """Words that begin at `x` pixels on a lane, kept apart from what is behind them by a halo."""

    lane: int
    x: float
    words: str
    color: str
    halo: str | None = None


class Sheet(Protocol):
    """What the words stand on: pixels for moments and for words."""

    scene: Scene
    palette: Palette
    point: float
    right: float

    def x(self, at: int) -> float: ...
    def width(self, words: str, size: float) -> float: ...


def notes(sheet: Sheet, left: float) -> Iterator[Note]:
    """Say what there is room for between `left` and the sheet's right edge, lane after lane."""
    lanes: dict[int, list[list[Bar]]] = {}
    for _, group in groupby(sheet.scene.bars, key=_belongs):
        bars = list(group)
        lanes.setdefault(bars[0].lane, []).append(bars)
    for things in lanes.values():
        things.sort(key=lambda bars: (bars[0].start, bars[-1].end))
        ends = [*(sheet.x(bars[0].start) for bars in things[1:]), sheet.right]
        used = left
        for bars, end in zip(things, ends, strict=True):
            room = _Room(sheet, bars, used, end)
            yield from _say(sheet, room, bars)
            used = room.used


def _belongs(bar: Bar) -> tuple[int, int, int | None, int | None]:
    """What consecutive bars about one thing have in common."""
    return bar.lane, bar.request, bar.task, bar.start if bar.kind == "busy" else None


def _say(sheet: Sheet, room: _Room, bars: Sequence[Bar]) -> Iterator[Note]:
    last = bars[-1]
    if last.kind == "busy":
        held = f"held by {legible(last.label)} for {duration(last.end - last.start)}"
        yield from room.anywhere(last, [held, legible(last.label)])
    elif last.task is not None:
        yield from _say_task(sheet, room, bars)
    elif last.kind in ("waiting", "receiving"):
        yield from room.inside(bars[0], [PHASES["waiting"]])
        took = duration(last.end - bars[0].start)
        yield from room.right(["no answer yet" if last.open else took])
    else:
        yield from _say_request(sheet, room, bars)


def _say_request(sheet: Sheet, room: _Room, bars: Sequence[Bar]) -> Iterator[Note]:
    last = bars[-1]
    timeline = sheet.scene.groups[last.request].timeline
    if sheet.scene.lanes[last.lane].request is None:
        yield from room.anywhere(
            max(bars, key=lambda bar: bar.end - bar.start), [legible(timeline.title)]
        )
        return
    phases = [note for bar in bars for note in room.inside(bar, [PHASES.get(bar.kind, "")])]
    yield from phases
    wrong = timeline.error or ("response aborted" if timeline.aborted else "")
    if wrong:
        yield from room.right([legible(wrong)], sheet.palette["error"])
    elif last.kind == "after" and PHASES["after"] not in {note.words for note in phases}:
        yield from room.right([PHASES["after"]])


def _say_task(sheet: Sheet, room: _Room, bars: Sequence[Bar]) -> Iterator[Note]:
    last = bars[-1]
    assert last.task is not None
    task = sheet.scene.groups[last.request].timeline.tasks[last.task]
    waited = duration(bars[0].end - bars[0].start)
    above = list(room.inside(bars[0], [f"waited {waited}"])) if len(bars) > 1 else []
    yield from above
    said = _lasted(bars, "" if above else f"waited {waited} · ")
    if sheet.scene.lanes[last.lane].kind == "shared":
        name = legible(task.name)
        said = [f"{name} · {words}" for words in said[-1:]] + [name]
    ending = _ending(bars, task.outcome, task.error)
    if not ending:
        yield from room.anywhere(last, said)
        return
    both = [f"{words} · {ending}" for words in said] + [ending]
    error = sheet.palette["error"]
    if room.fits_right(ending) and (inside := list(room.inside(last, said))):
        yield from inside
        yield from room.right([ending], error)
    else:
        yield from room.anywhere(last, both, error)


def _lasted(bars: Sequence[Bar], waited: str) -> list[str]:
    """What to say of a task's last bar, from most to least."""
    last = bars[-1]
    took = duration(last.end - last.start)
    if last.kind == "wait":
        return ["still waiting" if last.open else f"waited {took}"]
    return ["still running"] if last.open else [f"{waited}ran {took}", f"ran {took}"]


def _ending(bars: Sequence[Bar], outcome: str | None, error: str | None) -> str:
    if any(bar.backwards for bar in bars):
        return "clock went back"
    return "" if outcome in (None, "ok") else legible(error or str(outcome))


class _Room:
    """The room in and beside the bars of one thing, from `low` to `high` pixels."""

    def __init__(self, sheet: Sheet, bars: Sequence[Bar], low: float, high: float) -> None:
        self.sheet = sheet
        self.lane = bars[0].lane
        self.low = low
        self.high = high
        self.margin = MARGIN * sheet.point
        self.start = sheet.x(min(bar.start for bar in bars))
        self.used = max(low, sheet.x(max(bar.end for bar in bars)))
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
            halo = look.fill if look.hatch else None
            yield Note(self.lane, start + self.margin, words, ink(look.fill), halo)

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
        return Note(self.lane, x, words, color or palette["muted"], palette["background"])

    def _first(self, options: Sequence[str], room: float) -> str:
        """The first option that fits; measured only where it might."""
        least = 0.3 * SMALL * self.sheet.point
        fitting = (
            words
            for words in options
            if words and len(words) * least <= room and self.sheet.width(words, SMALL) <= room
        )
        return next(fitting, "")
