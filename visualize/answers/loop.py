"""What held the event loop of each process: once each, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from fastapi_tasks.timeline import Busy, TaskRecord, Timeline

CRUMB = 1_000_000
"""Nanoseconds. What is left of a step beside a longer one inside it is no step of its own."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One step that held the event loop of a process from `start` to `end`.

    `timeline` is the request whose step it was, `task` the task, both None where the recording has
    them no more; `culprit` names it all the same. `thread` says that it was no step of the loop's,
    but another thread, which kept the interpreter lock.
    """

    process: int
    start: int
    end: int
    culprit: str
    timeline: Timeline | None = None
    task: TaskRecord | None = None
    line: str | None = None
    thread: bool = False

    @property
    def lasted(self) -> int:
        """Nanoseconds from start to end."""
        return self.end - self.start


def holds(timelines: Iterable[Timeline]) -> dict[int, list[Hold]]:
    """Return what held the loop of each process, in order of time, without overlaps.

    A recording has each step with its culprit, and again with every request that waited. Where a
    step is inside another one, as that of a task which began at once, the time is the inner one's.
    """
    found: dict[tuple[int, int, int], Hold] = {}
    for timeline in timelines:
        if not timeline.busy:
            continue
        tasks = {task.id: task for task in timeline.tasks}
        for busy in timeline.busy:
            key = (timeline.process, busy.start, busy.end)
            own = busy.task is not None or busy.culprit == timeline.title
            if busy.end > busy.start and (own or key not in found):
                found[key] = _hold(timeline, tasks, busy, own)
    ordered = sorted(found.values(), key=lambda hold: (hold.process, hold.start, -hold.end))
    return {
        process: list(_apart(group)) for process, group in groupby(ordered, lambda h: h.process)
    }


def _hold(timeline: Timeline, tasks: dict[int, TaskRecord], busy: Busy, own: bool) -> Hold:
    task = None if busy.task is None else tasks.get(busy.task)
    owner = timeline if own else None
    step = timeline.process, busy.start, busy.end, busy.culprit
    return Hold(*step, owner, task, busy.line, busy.thread)


def _apart(ordered: Iterable[Hold]) -> Iterator[Hold]:
    """Cut holds, in order of their start, where others begin inside of them."""
    around: list[Hold] = []
    given = 0
    for hold in ordered:
        while around and around[-1].end <= hold.start:
            inner = around.pop()
            yield from _piece(inner, given, inner.end)
            given = max(given, inner.end)
        if around and _same(around[-1], hold):
            # One step, watched in two layers.
            continue
        if around:
            yield from _piece(around[-1], given, hold.start)
        around.append(hold)
        given = hold.start
    for hold in reversed(around):
        yield from _piece(hold, given, hold.end)
        given = max(given, hold.end)


def _piece(hold: Hold, start: int, end: int) -> Iterator[Hold]:
    if end - start >= min(hold.lasted, CRUMB):
        yield replace(hold, start=start, end=end)


def _same(outer: Hold, inner: Hold) -> bool:
    return (
        inner.end <= outer.end
        and outer.culprit == inner.culprit
        and outer.timeline is inner.timeline
        and outer.task is inner.task
    )
