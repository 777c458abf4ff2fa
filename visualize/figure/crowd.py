"""Many requests in numbers: how long they took, what waited and what ran, over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastapi_tasks.timeline import MODES, Mode, TaskRecord, Timeline
from visualize.answers.naming import ended_badly
from visualize.answers.summary import failed

Floats = NDArray[np.float64]

MANY = 60
"""Beyond this many requests a figure shows numbers over time, not each of their tasks."""
MOST_BINS = 80
PER_BIN = 6
"""So many requests a bin should hold on average, as far as there are bins to spare."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The spread of some durations in milliseconds: in each bin, NaN where none is, and of all."""

    p50: Floats
    p95: Floats
    whole: tuple[float, float, float]
    """The p50, the p95 and the maximum of all; NaN where there is none."""

    @property
    def known(self) -> bool:
        """Whether there is any."""
        return bool(np.isfinite(self.whole[0]))


@dataclass(frozen=True, slots=True)
class Crowd:
    """What a figure of many requests shows; times are milliseconds after the first one's start.

    `edges` are those of the bins. `running` is how many tasks of each mode ran on average in each
    bin, `at_once` how many of all modes did at the most. `failed` are the requests that failed:
    their start and how long the response took; the other `errors` are the ends of tasks. `held` is
    from when to when something held the event loop.
    """

    requests: int
    tasks: int
    edges: Floats
    counts: Floats
    response: Spread
    wait: Spread
    running: dict[Mode, Floats]
    at_once: int
    failed: Floats
    errors: Floats
    held: Floats

    @property
    def rates(self) -> Floats:
        """How many requests a second began in each bin."""
        return self.counts / np.diff(self.edges) * 1000

    @property
    def failures(self) -> int:
        """How many requests and tasks failed."""
        return len(self.failed) + len(self.errors)


def crowd(timelines: Sequence[Timeline]) -> Crowd:
    """Sum timelines up. Those of several processes are put on the wall clock."""
    several = len({one.process for one in timelines}) > 1
    starts = [one.wall if several else one.request_start for one in timelines]
    first = min(starts)
    placed = [
        (one, start - first - one.request_start)
        for one, start in zip(timelines, starts, strict=True)
    ]
    last = max(one.last + shift for one, shift in placed)
    bins = int(min(max(len(timelines) / PER_BIN, 8), MOST_BINS))
    edges = np.linspace(0.0, max(last, 1) / 1e6, bins + 1)
    begun = np.array([one.request_start + shift for one, shift in placed]) / 1e6
    took = np.array([_response(one) for one in timelines]) / 1e6
    ran = [
        (task, shift, one.last)
        for one, shift in placed
        for task in one.tasks
        if task.started is not None and task.released is not None
    ]
    released, started, ended = (
        np.array([moment(task, last) + shift for task, shift, last in ran], dtype=float) / 1e6
        for moment in (_released, _started, _ended)
    )
    modes = np.array([task.mode for task, _, _ in ran], dtype=object)
    wrong = np.array([failed(one) for one in timelines])
    return Crowd(
        requests=len(timelines),
        tasks=sum(len(one.tasks) for one in timelines),
        edges=edges,
        counts=np.histogram(begun, edges)[0].astype(float),
        response=_spread(begun, took, edges),
        wait=_spread(released, started - released, edges),
        running={
            mode: _running(started[modes == mode], ended[modes == mode], edges)
            for mode in MODES
            if (modes == mode).any()
        },
        at_once=_at_once(started, ended),
        failed=np.stack([begun[wrong], took[wrong]], axis=1),
        errors=np.array(sorted(_ends_of_failures(placed))) / 1e6,
        held=_held(placed),
    )


def _response(one: Timeline) -> float:
    end = one.request_end if one.response_sent is None else one.response_sent
    return float("nan") if end is None else max(end - one.request_start, 0)


def _released(task: TaskRecord, _: int) -> int:
    return task.released or 0


def _started(task: TaskRecord, _: int) -> int:
    return task.started or 0


def _ended(task: TaskRecord, last: int) -> int:
    """When a task ended; one that runs on has run until now, as far as its timeline knows."""
    return last if task.finished is None else task.finished


def _ends_of_failures(placed: Iterable[tuple[Timeline, int]]) -> Iterable[int]:
    for one, shift in placed:
        for task in one.tasks:
            if ended_badly(task):
                end = task.requested if task.finished is None else task.finished
                yield end + shift


def _held(placed: Iterable[tuple[Timeline, int]]) -> Floats:
    steps = {(step.start + shift, step.end + shift) for one, shift in placed for step in one.busy}
    return np.array(sorted(steps), dtype=float).reshape(-1, 2) / 1e6


def _spread(at: Floats, values: Floats, edges: Floats) -> Spread:
    known = np.isfinite(values)
    at, values = at[known], values[known]
    p50, p95 = (np.full(len(edges) - 1, np.nan) for _ in range(2))
    if not len(values):
        return Spread(p50, p95, (np.nan, np.nan, np.nan))
    order = np.argsort(at, kind="stable")
    values = values[order]
    cuts = np.searchsorted(at[order], edges[1:-1])
    for place, part in enumerate(np.split(values, cuts)):
        if len(part):
            p50[place], p95[place] = np.percentile(part, (50, 95))
    middle, high = np.percentile(values, (50, 95))
    return Spread(p50, p95, (float(middle), float(high), float(values.max())))


def _running(start: Floats, end: Floats, edges: Floats) -> Floats:
    """How many ran at once in each bin, on average: the time that they ran there, by its width."""

    # The time that each had run up to each edge, summed up by how many had begun and ended there.
    def passed(moments: Floats) -> Floats:
        moments = np.sort(moments)
        sums = np.concatenate([[0.0], np.cumsum(moments)])
        before = np.searchsorted(moments, edges)
        summed: Floats = before * edges - sums[before]
        return summed

    total = passed(start) - passed(end)
    found: Floats = np.maximum(np.diff(total), 0.0) / np.diff(edges)
    return found


def _at_once(start: Floats, end: Floats) -> int:
    """How many ran at once at the most; one that begins when another ends runs after it."""
    changes = np.repeat([1, -1], len(start))
    order = np.lexsort((changes, np.concatenate([start, end])))
    return int(np.max(np.cumsum(changes[order]), initial=0))
