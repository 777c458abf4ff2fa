"""Never awaited: an immediate task that could start only after its endpoint was over."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_tasks.timeline import TaskRecord, Timeline
from visualize.answers.naming import route_of, task_title
from visualize.words import duration

from .evidence import Evidence, place_of
from .finding import Cause
from .pricing import Bill, Claim, Suspicion

WORKED = 10_000_000
"""Nanoseconds that an endpoint must have gone on after it scheduled a task. Who schedules in the
last lines and returns has nothing left to await."""

NOTICED = 20_000_000
"""Nanoseconds that the starts of all such tasks must have lost altogether."""


def never_awaited(evidence: Evidence) -> Iterator[Suspicion]:
    """Suspect each route whose endpoint let its immediate tasks wait until it was over."""
    found: dict[tuple[str, str], list[Claim]] = {}
    for timeline in evidence.timelines:
        for task in timeline.tasks:
            if (claim := _claim(timeline, task, evidence)) is not None:
                found.setdefault((route_of(timeline), task.name), []).append(claim)
    for (route, name), claims in found.items():
        yield _suspicion(route, name, claims, evidence)


def _claim(timeline: Timeline, task: TaskRecord, evidence: Evidence) -> Claim | None:
    """The time in which the endpoint kept the task from starting, if it did."""
    ended, released, started = timeline.endpoint_end, task.released, task.started
    if task.mode != "immediate" or task.parent is not None:
        return None
    if ended is None or released is None or started is None or started < ended:
        return None
    if ended - released < WORKED:
        return None
    loop = evidence.loops.get(timeline.process)
    others = 0
    for hold, start, end in loop.over(released, ended) if loop else ():
        others += (end - start) * (hold.timeline is not timeline or hold.task is not None)
    # Another cause explains it then, and the endpoint may well have awaited.
    return (
        None if others * 2 >= ended - released else Claim("wait", timeline, task, released, ended)
    )


def _suspicion(route: str, name: str, claims: list[Claim], evidence: Evidence) -> Suspicion:
    first = claims[0]
    loop = evidence.loops.get(first.timeline.process)
    own = (
        hold.line
        for hold, _, _ in (loop.over(first.start, first.end) if loop else ())
        if hold.timeline is first.timeline and hold.task is None
    )
    cause = Cause("request", route, line=next(own, None))

    def say(bill: Bill) -> tuple[str, str]:
        several = bill.starts > 1
        fact = (
            f"{cause} awaited nothing after it had scheduled {task_title(name, 'immediate')}, which"
            f" started only after the endpoint{f', {bill.starts:,} times' * several}:"
            f" late by {duration(bill.cost)}{' altogether' * several}"
        )
        return fact, "await something there, or make the endpoint `def`"

    where = place_of(first.timeline, first.task)
    return Suspicion("never_awaited", cause, where, say, claims, least=NOTICED)
