"""No thread was free: `def` tasks waited while all threads worked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from fastapi_tasks.timeline import SCHEDULED_MODES, TaskRecord, Timeline
from visualize.words import count, duration

from .evidence import Evidence, place_of
from .finding import Cause
from .intervals import Interval, Intervals, joined
from .pricing import Bill, Claim, Suspicion

LATE = 20_000_000
"""Nanoseconds. A shorter wait for a thread is not looked at, as no shorter hold of the loop is."""

HANDOVER = 10_000_000
"""Nanoseconds. A thread that ended one task and takes the next one this soon was never free: on a
busy machine it is not its turn at once."""

MOSTLY = 0.5
"""The share of a wait in which all threads worked, from which on they are its cause, unless the
loop was held for more of it. Beside both, a task waits for the interpreter's lock."""

Job = tuple[Timeline, TaskRecord]


def no_thread_free(evidence: Evidence) -> Iterator[Suspicion]:
    """Suspect the tasks that kept the threads of a process while others waited for one.

    How many threads there are, the recording does not say: as many as ever worked at once. The
    library's own and those of Starlette's BackgroundTasks are not the same.
    """
    pools: dict[tuple[int, bool], list[Job]] = {}
    for timeline in evidence.timelines:
        for task in timeline.tasks:
            if task.thread and task.released is not None:
                pools.setdefault((timeline.process, task.mode in SCHEDULED_MODES), []).append(
                    (timeline, task)
                )
    for jobs in pools.values():
        yield from _suspected(jobs, evidence)


def _suspected(jobs: Sequence[Job], evidence: Evidence) -> Iterator[Suspicion]:
    late = [job for job in jobs if _waited(job, evidence) >= LATE]
    if not late:
        return
    runs = [_run(job, evidence) for job in jobs if job[1].started is not None]
    threads, full = fullest(runs)
    claims = list(_claims(late, full, evidence))
    if not claims:
        return
    shares: Counter[tuple[str, str]] = Counter()
    for timeline, task in jobs:
        if task.started is not None:
            start, end = _run((timeline, task), evidence)
            shares[task.name, task.mode] += full.overlap(start, end)
    yield _suspicion(jobs, claims, threads, shares)


def _suspicion(
    jobs: Sequence[Job], claims: list[Claim], threads: int, shares: Counter[tuple[str, str]]
) -> Suspicion:
    (name, mode), most = shares.most_common(1)[0]
    cause = Cause("task", name, mode)
    first = next(job for job in jobs if (job[1].name, job[1].mode) == (name, mode))

    def say(bill: Bill) -> tuple[str, str]:
        part = most / max(sum(shares.values()), 1)
        fact = (
            f"No thread was free for {count(bill.starts, '`def` task')}, waiting "
            f"{duration(bill.cost)} altogether: {cause} had {part:.0%} of the time "
            f"of {count(threads, 'thread')}"
        )
        more = (
            "give `add_tasks` more `threads=`"
            if mode in SCHEDULED_MODES
            else "schedule it with `Tasks`"
        )
        return fact, f"make it `async def` if it only waits, let fewer run at once, or {more}"

    return Suspicion("no_thread_free", cause, place_of(*first), say, claims, least=LATE)


def fullest(runs: Iterable[Interval]) -> tuple[int, Intervals]:
    """Return how many runs there were at once at the most, and when there were so many."""
    changes = sorted(
        [(end, -1) for start, end in runs if end > start]
        + [(start, 1) for start, end in runs if end > start]
    )
    most = now = 0
    since = 0
    full: list[Interval] = []
    for at, change in changes:
        if now == most and change < 0:
            full.append((since, at))
        now += change
        if now > most:
            most, full = now, []
        if now == most:
            since = at
    return most, Intervals(joined(full, HANDOVER))


def _claims(late: Sequence[Job], full: Intervals, evidence: Evidence) -> Iterator[Claim]:
    for timeline, task in late:
        released = task.released or 0
        started = evidence.end_of(timeline, task.started)
        worked = full.overlap(released, started)
        loop = evidence.loops.get(timeline.process)
        held = loop.intervals.overlap(released, started) if loop else 0
        if worked >= MOSTLY * (started - released) and worked >= held:
            for _, start, end in full.within(released, started):
                yield Claim("wait", timeline, task, start, end)


def _waited(job: Job, evidence: Evidence) -> int:
    timeline, task = job
    if task.released is None or (task.started is None and task.outcome is not None):
        return 0
    return evidence.end_of(timeline, task.started) - task.released


def _run(job: Job, evidence: Evidence) -> Interval:
    timeline, task = job
    return task.started or 0, evidence.end_of(timeline, task.finished)
