"""How late each turn on a crowded event loop came, where no single step held it for long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from fastapi_tasks.timeline import Timeline

from .intervals import Interval

SLOT = 20_000_000
"""Nanoseconds of one slot, for which the worst lag is kept."""

MOST = 50
"""Slots that one turn is noted in, the last ones."""


class Lag:
    """The worst lag of turns, by time.

    Many short steps, one after the other, or a machine with too few processors delay everybody a
    little: then also whoever needs nothing but a turn.
    """

    def __init__(self, turns: Iterable[Interval]) -> None:
        self._slots: dict[int, int] = defaultdict(int)
        for start, end in turns:
            last = end // SLOT
            for slot in range(max(start // SLOT, last - MOST), last + 1):
                self._slots[slot] = max(self._slots[slot], end - start)

    def during(self, start: int, end: int) -> int | None:
        """Return the worst lag within a time, in nanoseconds, None where none is known."""
        slots = range(start // SLOT, min(end // SLOT, start // SLOT + MOST) + 1)
        known = [self._slots[slot] for slot in slots if slot in self._slots]
        return max(known) if known else None


def starts(timelines: Iterable[Timeline]) -> Iterator[Interval]:
    """Yield the turns that tasks on the event loop needed to start."""
    for timeline in timelines:
        for task in timeline.tasks:
            if not task.thread and task.mode != "background" and task.started is not None:
                ready = task.released if task.admitted is None else task.admitted
                if ready is not None:
                    yield ready, task.started
