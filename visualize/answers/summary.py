"""A recording in numbers: a row for each route, each kind of task, each kind of span."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from fastapi_tasks import harmless
from fastapi_tasks.timeline import Timeline
from visualize.layout import Recording, listed

from .loop import Hold, holds
from .naming import ended_badly, route_of
from .tables import NOTHING, Column, code, markdown_table, text_table, time_cell

Kind = Literal["route", "task", "span"]
Key = tuple[Kind, str, str]
"""The kind, the name and the mode of a row."""

WIDTH = 100
"""Columns of a terminal, where nobody says how many there are."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations in nanoseconds, of `n` that are known; each number is one that was measured.

    The percentile p of n durations is the one whose rank is p × n / 100, rounded up: the nearest
    rank, never a value between two. With few durations, p95 and p99 are the longest of them.
    """

    n: int
    p50: int
    p95: int
    p99: int
    max: int


@dataclass(frozen=True, slots=True)
class Row:
    """One route, one kind of task or one kind of span in numbers; times are nanoseconds.

    `name` is `POST /orders`, the task's name or the span's; `mode` is the task's, the kind of a
    span, and empty for a route. `n` counts them all; each `Spread` counts those that got that far,
    and is None if none did. `response` is request start → response sent, `wait` released →
    started, `run` started → finished, of a span start → end. `held` is how long they held the event
    loop altogether, a route without its tasks. `errors` counts answers of 500 and above, requests
    that failed otherwise, and tasks that ended with any outcome but `ok`, spawned ones not where
    they were cancelled: user code does so itself.
    """

    kind: Kind
    name: str
    mode: str
    n: int
    errors: int
    response: Spread | None = None
    wait: Spread | None = None
    run: Spread | None = None
    held: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """The rows of a recording, of each kind in the order of the time they took altogether."""

    routes: tuple[Row, ...]
    tasks: tuple[Row, ...]
    spans: tuple[Row, ...]

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, width: int = WIDTH) -> str:
        """Write tables, at most `width` columns wide; from 60, no number that counts is cut."""
        tables = (
            text_table(_columns(title), list(_text_lines(rows)), width)
            for title, rows in self._parts()
        )
        return "\n\n".join(tables) or "No request was recorded."

    def to_markdown(self) -> str:
        """Write the same tables for a pull request."""
        tables = (
            markdown_table(_columns(title), list(_markdown_lines(rows)))
            for title, rows in self._parts()
        )
        return "\n\n".join(tables) or "No request was recorded."

    def _parts(self) -> Iterator[tuple[str, Sequence[Row]]]:
        parts = {"request": self.routes, "task": self.tasks, "span": self.spans}
        return ((title, rows) for title, rows in parts.items() if rows)


def summary(timelines: Recording) -> Summary:
    """Sum up one timeline or many. Raises TypeError for anything but timelines."""
    given = listed(timelines)
    groups: dict[Key, _Group] = defaultdict(_Group)
    for timeline in given:
        _add(timeline, groups)
    for many in holds(given).values():
        for hold in many:
            if (key := _culprit(hold)) is not None:
                groups[key].held += hold.lasted
    ordered = sorted(groups.items(), key=lambda item: -item[1].total)
    rows = [group.row(*key) for key, group in ordered]
    return Summary(*(tuple(row for row in rows if row.kind == kind) for kind in get_args(Kind)))


@dataclass(slots=True)
class _Group:
    """What is collected for one row."""

    n: int = 0
    errors: int = 0
    held: int = 0
    response: list[int] = field(default_factory=list)
    wait: list[int] = field(default_factory=list)
    run: list[int] = field(default_factory=list)

    def count(self, failed: bool) -> None:
        self.n += 1
        self.errors += failed

    @property
    def total(self) -> int:
        return sum(self.response) + sum(self.wait) + sum(self.run)

    def row(self, kind: Kind, name: str, mode: str) -> Row:
        response, wait, run = map(spread, (self.response, self.wait, self.run))
        return Row(kind, name, mode, self.n, self.errors, response, wait, run, self.held)


def _add(timeline: Timeline, groups: dict[Key, _Group]) -> None:
    route = groups["route", route_of(timeline), ""]
    route.count(failed(timeline))
    if timeline.response_sent is not None:
        route.response.append(timeline.response_sent - timeline.request_start)
    for task in timeline.tasks:
        group = groups["task", task.name, task.mode]
        group.count(ended_badly(task))
        if (waited := task.waited) is not None:
            group.wait.append(waited)
        if (ran := task.ran) is not None:
            group.run.append(ran)
    for span in timeline.spans:
        group = groups["span", span.name, span.kind]
        group.count(span.error is not None)
        if span.end is not None:
            group.run.append(span.end - span.start)


def failed(timeline: Timeline) -> bool:
    """Tell whether a request failed: it was answered with 500 or above, or it never was.

    An exception that became an answer below 500, as an HTTPException does, is an answer.
    """
    if timeline.status is not None and timeline.status >= 400:
        return timeline.status >= 500
    return timeline.error is not None


def _culprit(hold: Hold) -> Key | None:
    """Name the row that a hold counts for; None where the recording has its task no more."""
    if hold.task is not None:
        return ("task", hold.task.name, hold.task.mode)
    if hold.timeline is not None and hold.culprit == hold.timeline.title:
        return ("route", route_of(hold.timeline), "")
    return None


def spread(durations: Iterable[int]) -> Spread | None:
    """Return the percentiles of durations by nearest rank, None of none."""
    ordered = sorted(durations)
    n = len(ordered)
    if not n:
        return None
    return Spread(n, *(ordered[rank(percent, n)] for percent in (50, 95, 99, 100)))


def rank(percent: int, n: int) -> int:
    """Return the position, from 0, of a percentile among `n` values in their order."""
    return max(-(-percent * n // 100), 1) - 1


# As a table -----------------------------------------------------------------------------------


def _columns(title: str) -> list[Column]:
    return [
        Column(title, words=True),
        Column("n"),
        Column("errors"),
        Column("", words=True),
        Column("p50"),
        Column("p95"),
        Column("p99", gives_way=3),
        Column("max", gives_way=1),
        Column("held", gives_way=2),
    ]


def _text_lines(rows: Iterable[Row]) -> Iterator[list[str]]:
    for row in rows:
        lines = list(_numbers(row))
        lines += [[""] * len(lines[0])] * (2 - len(lines)) if row.mode else []
        names = [harmless(row.name), f"  {row.mode}"]
        for name, line in zip(names, lines, strict=False):
            yield [name, *line]


def _markdown_lines(rows: Iterable[Row]) -> Iterator[list[str]]:
    for row in rows:
        name = f"{code(row.name)} {row.mode}".rstrip()
        for line in _numbers(row):
            yield [name, *line]
            name = ""


def _numbers(row: Row) -> Iterator[list[str]]:
    """The cells of a row's lines but for the first column: one line for each measure."""
    measured: dict[str, Spread | None] = {
        "route": {"response": row.response},
        "task": {"wait": row.wait, "run": row.run},
        "span": {"took": row.run},
    }[row.kind]
    counts = [f"{row.n:,}", f"{row.errors:,}"]
    held = time_cell(row.held or None) if row.kind != "span" else ""
    for what, numbers in measured.items():
        times = [NOTHING] * 4
        if numbers is not None:
            times = [*map(time_cell, (numbers.p50, numbers.p95, numbers.p99, numbers.max))]
        yield [*counts, what, *times, held]
        counts, held = ["", ""], ""
