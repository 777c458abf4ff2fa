"""One request as rows of a terminal: name, mode, bar, start, duration, outcome."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from operator import add

from fastapi_tasks.timeline import Outcome
from visualize.layout import Bar, Lane, Mark, Scene
from visualize.words import MARK_WORDS, duration, tick_labels, ticks, times

from .cells import EIGHTHS, Cell, Pen, columns, fit

NUMBER = 9
"""Columns for a duration."""
SHARE = 0.4
"""The least share of the width that the bars get; columns beside them make room."""
ROOMY = 80
"""From this width on, what is inside of something is indented by two columns."""
DEEPEST = 5
"""No name is indented further than that many times."""
KINDS = {"client": "client", "request": "request", "loop": "event loop"}
STYLES = {"busy": "error", "span": "span"}


class Table:
    """The columns of one request's picture."""

    def __init__(self, scene: Scene, pen: Pen) -> None:
        self.scene = scene
        self.pen = pen
        self.zero = scene.groups[0].timeline.request_start - scene.origin
        self.names = [self._name(lane) for lane in scene.lanes]
        self.lanes: list[list[Bar]] = [[] for _ in scene.lanes]
        for bar in scene.bars:
            self.lanes[bar.lane].append(bar)
        self.tails = [times(lane.times) for lane in scene.lanes]
        widest = max(map(columns, map(add, self.names, self.tails)))
        nested = any(lane.kind == "span" for lane in scene.lanes)
        self.name = min(widest, pen.width // (3 if nested else 4))
        self.mode = max((len(lane.mode) for lane in scene.lanes if lane.mode), default=0)
        self.start = NUMBER
        if self.width < SHARE * pen.width:
            self.mode = 0
        if self.width < SHARE * pen.width:
            self.start = 0

    def _name(self, lane: Lane) -> str:
        """What the lane is called; spans are indented below the bar that made them."""
        step = 1 if self.pen.width < ROOMY else 2
        # Where they are deep, there must be room for the name.
        indent = " " * step * min(lane.depth + 1, DEEPEST) if lane.kind == "span" else ""
        return indent + (KINDS.get(lane.kind) or self.pen.literal(lane.label))

    @property
    def left(self) -> int:
        """Columns before the bars."""
        return 2 + sum(width + 2 for width in (self.name, self.mode) if width)

    @property
    def width(self) -> int:
        """Columns of the bars."""
        right = sum(width + 1 for width in (self.start, NUMBER, 1) if width)
        return self.pen.width - self.left - right

    def head(self) -> str:
        """The names of the marks above their lines, and of the numbers above theirs."""
        cells = [Cell()] * (self.left + self.width)
        for mark in self.scene.marks:
            cells[self.left + self.column(mark.at)] = Cell(self.pen.glyphs.lines[mark.kind])
        for mark, at in self._named():
            for offset, char in enumerate(MARK_WORDS[mark.kind]):
                cells[at + offset] = Cell(char)
        numbers = f" {'start':>{self.start}}" if self.start else ""
        return self._line([*cells, *_cells(f"{numbers} {'ran':>{NUMBER}}", "dim")])

    def row(self, index: int) -> str:
        lane, bars = self.scene.lanes[index], self.lanes[index]
        style = lane.mode or ""
        shapes = self.pen.glyphs.threads if lane.thread else self.pen.glyphs.shapes
        cells = _cells(shapes[lane.mode] if lane.mode else " ", style)
        cells += _cells(f" {fit(self.names[index], self.name, self.tails[index])}  ")
        if self.mode:
            cells += _cells(f"{lane.mode or '':{self.mode}}  ", style)
        return self._line([*cells, *self._bars(lane, bars), *self._numbers(lane, bars)])

    def axis(self) -> str:
        start, end = self.scene.start - self.zero, self.scene.end - self.zero
        moments = ticks(start, end, max(self.width // 9 + 1, 4))
        line = ""
        for moment, label in zip(moments, tick_labels(moments), strict=True):
            at = self.left + self.column(moment + self.zero)
            if at >= len(line) + bool(line) and at + len(label) <= self.pen.width:
                line = line.ljust(at) + label
        return self.pen.styled(line, "dim")

    def column(self, at: int) -> int:
        """The column of the bars in which a moment is."""
        return min(int(self._place(at)), self.width - 1)

    def _place(self, at: int) -> float:
        span = max(self.scene.end - self.scene.start, 1)
        return (at - self.scene.start) * self.width / span

    def _line(self, cells: Sequence[Cell]) -> str:
        end = max((at + 1 for at, cell in enumerate(cells) if cell.char != " "), default=0)
        return self.pen.line(cells[:end])

    def _named(self) -> list[tuple[Mark, int]]:
        """The marks that can be named, and the column in which each name starts."""
        every = list(self.scene.marks)
        for marks in (every, every[1:], every[:1]):
            spots = [self._spots(mark) for mark in marks]
            for chosen in product(*spots):
                spans = sorted(
                    (at, at + len(MARK_WORDS[mark.kind]))
                    for mark, at in zip(marks, chosen, strict=True)
                )
                apart = all(one[1] < other[0] for one, other in pairwise(spans))
                if apart and all(a >= 0 and b <= self.left + self.width for a, b in spans):
                    return list(zip(marks, chosen, strict=True))
        return []

    def _spots(self, mark: Mark) -> tuple[int, int]:
        """Where the mark's name starts when it stands left of its line, or right of it."""
        at = self.left + self.column(mark.at)
        return at - 1 - len(MARK_WORDS[mark.kind]), at + 2

    def _bars(self, lane: Lane, bars: Sequence[Bar]) -> list[Cell]:
        cells = [Cell()] * self.width
        for mark in self.scene.marks:
            cells[self.column(mark.at)] = Cell(self.pen.glyphs.lines[mark.kind], "dim")
        for bar in bars:
            style = STYLES.get(bar.kind) or lane.mode or ""
            chars = self._smooth(bar) if bar.kind == "run" else self._even(bar)
            first = self.column(bar.start)
            cells[first : first + len(chars)] = [Cell(char, style) for char in chars]
            if bar.open:
                cells[self.column(bar.end)] = Cell(self.pen.glyphs.going_on, style)
        if lane.kind == "client" and not bars[-1].open:
            first, last = self.column(bars[0].start), self.column(bars[-1].end)
            cells[first], cells[last] = map(Cell, self.pen.glyphs.ends)
        return cells

    def _even(self, bar: Bar) -> str:
        """Whole columns, so that bars which follow one another do not overlap; one at least."""
        first = self.column(bar.start)
        return self.pen.glyphs.bars[bar.kind] * max(int(self._place(bar.end)) - first, 1)

    def _smooth(self, bar: Bar) -> str:
        """Columns whose last one is as full as the bar's end is far into it."""
        if self.pen.plain:
            return self._even(bar)
        first, end = self.column(bar.start), self._place(bar.end)
        full = int(end) - first
        rest = round((end - int(end)) * 8)
        return EIGHTHS[8] * full + (EIGHTHS[rest or 1] if rest or not full else "")

    def _numbers(self, lane: Lane, bars: Sequence[Bar]) -> list[Cell]:
        """When the thing started and how long it took, where that is known; how it ended."""
        outcome: Outcome | None = "ok"
        start: int | None = bars[0].start - self.zero
        took: int | None = bars[-1].end - bars[0].start
        if lane.kind in ("loop", "span"):
            took = sum(bar.end - bar.start for bar in bars)
        if lane.kind == "loop":
            start = None
        elif lane.kind == "span":
            failed = any(bar.error for bar in bars)
            outcome = "error" if failed else None if bars[-1].open else "ok"
        elif lane.kind == "task":
            start, took, outcome = self._of_task(lane, bars)
        shown = "" if lane.kind == "loop" else _number(start)
        numbers = f" {shown:>{self.start}}" if self.start else ""
        mark = self.pen.glyphs.outcomes[outcome] if lane.kind in ("task", "span") else ""
        style = "" if outcome in (None, "ok") else "error"
        return [*_cells(f"{numbers} {_number(took):>{NUMBER}} "), *_cells(mark, style)]

    def _of_task(
        self, lane: Lane, bars: Sequence[Bar]
    ) -> tuple[int | None, int | None, Outcome | None]:
        timeline = self.scene.groups[0].timeline
        assert lane.task is not None
        task = timeline.tasks[lane.task]
        if task.started is None:
            return None, None, task.outcome
        ran = bars[-1].end - bars[-1].start if task.ran is None else task.ran
        return task.started - timeline.request_start, ran, task.outcome


def _number(ns: int | None) -> str:
    return "–" if ns is None else duration(ns) if ns else "0"


def _cells(words: str, style: str = "") -> list[Cell]:
    return [Cell(char, style) for char in words]
