"""Two recordings matched row by row, sorted by what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from typing import NamedTuple

from fastapi_tasks.timeline import Timeline
from visualize.answers.summary import Key, Kind, Row, rank, summary
from visualize.layout import Recording, listed

from .changes import Change, Measure, Shift
from .noise import SHARE, chance, floors, significant
from .samples import Samples, samples
from .writing import to_markdown, to_text

DURATIONS: dict[Kind, tuple[Measure, ...]] = {"route": ("response",), "task": ("wait", "run")}
COUNTS: tuple[Measure, ...] = ("errors", "held")
PERCENTS = (50, 95)

HELD_FLOOR = 50_000_000
"""Nanoseconds of loop held altogether: more or less of so little is noise, as any process that is
put aside for a moment by its machine seems to hold its loop."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The rows of two recordings: what changed, what changed most first; then new, gone, noise.

    What holds the event loop moves every other row with it, so rows that hold it for longer or
    shorter come before all others, and rows that fail more or less often next.
    """

    changes: tuple[Change, ...]

    def __str__(self) -> str:
        return self.to_text()

    def to_text(self, width: int = 100) -> str:
        """Write a table, at most `width` columns wide, and below it what is called noise."""
        return to_text(self.changes, width)

    def to_markdown(self) -> str:
        """Write the same for a pull request."""
        return to_markdown(self.changes)


def difference(before: Recording, after: Recording) -> Difference:
    """Compare two recordings: routes by method and route, tasks by name and mode.

    For each row it compares p50 and p95 of a route's response or of a task's wait and run, then how
    many failed and how long they held the event loop. Noise is what a rank test over stretches of
    time leaves to chance, or what moved by little, or no more than most other rows did; the table
    ends with how much that is. Raises TypeError for anything but timelines.
    """
    first, second = _measured(listed(before)), _measured(listed(after))
    both = {key: list(_shifts(first[key], second[key])) for key in first if key in second}
    changes = {key: Change(*key, first[key].row, second[key].row) for key in both}
    judged = zip(changes.values(), _judged(list(both.values())), strict=True)
    found = [replace(change, shifts=shifts) for change, shifts in judged]
    found += [Change(*key, first[key].row, None) for key in first if key not in second]
    found += [Change(*key, None, second[key].row) for key in second if key not in first]
    return Difference(tuple(sorted(found, key=_order)))


class _Measured(NamedTuple):
    row: Row
    samples: Samples


def _measured(timelines: Sequence[Timeline]) -> dict[Key, _Measured]:
    rows, found = summary(timelines), samples(timelines)
    keys = {(row.kind, row.name, row.mode): row for row in (*rows.routes, *rows.tasks)}
    return {key: _Measured(row, found[key]) for key, row in keys.items()}


def _shifts(before: _Measured, after: _Measured) -> Iterator[Shift]:
    for measure in DURATIONS[before.row.kind]:
        for percent in PERCENTS:
            yield from _shift(before, after, measure, percent)
    for measure in COUNTS:
        yield from _shift(before, after, measure, None)


def _shift(
    before: _Measured, after: _Measured, measure: Measure, percent: int | None
) -> Iterator[Shift]:
    was: list[int] = getattr(before.samples, measure)
    now: list[int] = getattr(after.samples, measure)
    if not was or not now:
        return
    if percent is None:
        how_likely, numbers = chance(was, now, fmean), (sum(was), sum(now))
    else:
        of = partial(_percentile, percent)
        how_likely, numbers = chance(was, now, of), (of(was), of(now))
    yield Shift(measure, percent, *numbers, len(was), len(now), how_likely)


def _percentile(percent: int, durations: Sequence[int]) -> int:
    return sorted(durations)[rank(percent, len(durations))]


def _judged(rows: Sequence[Sequence[Shift]]) -> Iterator[tuple[Shift, ...]]:
    """Tell what is noise in rows of shifts: it takes all of them to know how much is clear."""
    clear = iter(significant([shift.chance for row in rows for shift in row]))
    least = floors([[shift.by for shift in row if shift.percent is not None] for row in rows])
    for row, floor in zip(rows, least, strict=True):
        yield tuple(replace(one, noise=not next(clear) or _small(one, floor)) for one in row)


def _small(shift: Shift, floor: float) -> bool:
    least = {"errors": 1, "held": HELD_FLOOR}.get(shift.measure, floor)
    return abs(shift.by) < max(least, SHARE * (shift.after - shift.by))


def _order(change: Change) -> tuple[int, float]:
    changed = [shift for shift in change.shifts if not shift.noise]
    for tier, measure in enumerate(("held", "errors")):
        moved = sum(abs(shift.by) for shift in changed if shift.measure == measure)
        if moved:
            return tier, -moved
    if changed:
        return 2, -max(abs(shift.by) * shift.n_after for shift in changed)
    return (4 if change.noise else 3), 0
