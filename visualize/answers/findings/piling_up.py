"""Piling up: tasks in flight grow faster than they finish."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from fastapi_tasks.timeline import TaskRecord, Timeline
from visualize.words import count, duration

from .evidence import Evidence, place_of
from .finding import Cause
from .intervals import middle
from .pricing import Bill, Claim, Suspicion

ENOUGH = 40
"""Tasks of one kind below which growth may be nothing but a beginning."""

GROWN, MORE = 2.0, 10
"""So many times as many in flight in the last third as in the first, and so many more: the load of
an app goes up and down by less."""

SLOWER = 1.5
"""And each task takes so many times as long, by how many are done: else there just came more."""

LEFT = 0.9
"""And fewer than this share of what came was done meanwhile."""

Job = tuple[Timeline, TaskRecord]


@dataclass(frozen=True, slots=True)
class _Flight:
    """The tasks of one kind, in the order of their release, and how long each took to its end."""

    jobs: Sequence[Job]
    released: Sequence[int]
    finished: Sequence[int]

    @property
    def took(self) -> list[int]:
        return [end - start for start, end in zip(self.released, self.finished, strict=True)]


@dataclass(frozen=True, slots=True)
class _Growth:
    """How many were in flight at first and at last, how long each took, how many came and ended."""

    first: float
    last: float
    early: int
    late: int
    came: int
    ended: int


def piling_up(evidence: Evidence) -> Iterator[Suspicion]:
    """Suspect each kind of task that comes faster than it is done.

    Only what came while more kept coming is looked at, and not before the first of them could have
    been done: at first there are always more and more.
    """
    for (name, mode), tasks in evidence.kinds.items():
        for process in dict.fromkeys(timeline.process for timeline, _ in tasks):
            jobs = [job for job in tasks if job[0].process == process]
            flight = _flight(jobs, evidence)
            growth = _growth(flight)
            if growth is not None:
                yield _suspicion(Cause("task", name, mode), flight, growth)


def _flight(jobs: Sequence[Job], evidence: Evidence) -> _Flight:
    known = [job for job in jobs if job[1].released is not None]
    known.sort(key=lambda job: job[1].released or 0)
    ends = [max(evidence.end_of(one, task.finished), task.released or 0) for one, task in known]
    return _Flight(known, [task.released or 0 for _, task in known], ends)


def _growth(flight: _Flight) -> _Growth | None:
    n = len(flight.jobs)
    if n < ENOUGH:
        return None
    took, released, done = flight.took, flight.released, sorted(flight.finished)
    early = middle(took[: n // 10])
    from_on = bisect_right(released, released[0] + early)
    counted = range(from_on, n)
    if len(counted) < ENOUGH // 2:
        return None
    flying = [at + 1 - bisect_right(done, released[at]) for at in counted]
    third = len(flying) // 3
    first, between, last = map(fmean, (flying[:third], flying[third:-third], flying[-third:]))
    came, ended, _ = _flow(released, done, from_on)
    # How long the last ones will have taken is not known yet: as long as it takes to get to them.
    _, lately, time = _flow(released, done, n - third)
    late = round(last * time / max(lately, 1))
    grown = last >= GROWN * first and last - first >= MORE and first <= between <= last
    if grown and late >= SLOWER * early and ended < LEFT * came:
        return _Growth(first, last, early, late, came, ended)
    return None


def _flow(released: Sequence[int], done: Sequence[int], since: int) -> tuple[int, int, int]:
    """How many came since one of them, how many were done meanwhile, and in what time."""
    start, end = released[since], released[-1]
    ended = bisect_right(done, end) - bisect_right(done, start)
    return len(released) - 1 - since, ended, max(end - start, 1)


def _suspicion(cause: Cause, flight: _Flight, growth: _Growth) -> Suspicion:
    claims = []
    for (timeline, task), start, end in zip(
        flight.jobs, flight.released, flight.finished, strict=True
    ):
        claims.append(Claim("wait", timeline, task, start + growth.early, end))
        claims.append(Claim("run", timeline, task, start + growth.early, end))

    def say(_: Bill) -> tuple[str, str]:
        fact = (
            f"{cause} piles up: {growth.came:,} came while {growth.ended:,} were done, so that "
            f"{count(round(growth.first), 'task')} in flight became {round(growth.last):,}, and "
            f"the last ones take about {duration(growth.late)} in place of {duration(growth.early)}"
        )
        return fact, "make it shorter, do many in one task, or hand them to a queue"

    where = place_of(*flight.jobs[-1])
    return Suspicion("piling_up", cause, where, say, claims)
