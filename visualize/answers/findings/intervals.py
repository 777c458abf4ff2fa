"""Intervals on one clock: which overlap, and by how much."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

Interval = tuple[int, int]


class Intervals:
    """Intervals in order, none of which overlap."""

    def __init__(self, ordered: Iterable[Interval]) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        for start, end in ordered:
            self.starts.append(start)
            self.ends.append(end)
        lengths = (end - start for start, end in zip(self.starts, self.ends, strict=True))
        self._sums = [0, *accumulate(lengths)]

    def within(
        self, start: int, end: int, most: int | None = None
    ) -> Iterator[tuple[int, int, int]]:
        """Yield each part that is inside of start to end: its number, its start, its end.

        Unless None, `most` is how many, the last ones.
        """
        if end <= start:
            return
        first, behind = bisect_right(self.ends, start), bisect_left(self.starts, end)
        for at in range(first if most is None else max(first, behind - most), behind):
            yield at, max(self.starts[at], start), min(self.ends[at], end)

    def overlap(self, start: int, end: int) -> int:
        """How much of start to end is covered."""
        return max(self._until(end) - self._until(start), 0)

    def _until(self, moment: int) -> int:
        """How much is covered before a moment."""
        at = bisect_right(self.starts, moment)
        after = max(self.ends[at - 1] - moment, 0) if at else 0
        return self._sums[at] - after


def joined(intervals: Iterable[Interval], gap: int = 0) -> list[Interval]:
    """Join intervals that overlap or are no further apart than `gap`."""
    found: list[list[int]] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if found and start - found[-1][1] <= gap:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return [(start, end) for start, end in found]


def add(intervals: list[Interval], start: int, end: int) -> int:
    """Add one to intervals in order, none of which overlap; return how much of it was in none."""
    if end <= start:
        return 0
    if not intervals or intervals[-1][1] < start:
        # Nearly always they come in order.
        intervals.append((start, end))
        return end - start
    before = length(intervals)
    intervals[:] = joined([*intervals, (start, end)])
    return length(intervals) - before


def length(intervals: Iterable[Interval]) -> int:
    """How long intervals that do not overlap are altogether."""
    return sum(end - start for start, end in intervals)


def middle(values: Sequence[int]) -> int:
    """Return the middle one of values, the lower of two."""
    return sorted(values)[(len(values) - 1) // 2]
