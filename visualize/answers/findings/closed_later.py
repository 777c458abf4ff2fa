"""Closed or committed later: a task started before a dependency of its request had closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fastapi_tasks.timeline import Span, TaskRecord, Timeline
from visualize.answers.naming import named, task_title
from visualize.words import count, duration

from .evidence import Evidence, place_of
from .finding import Cause
from .pricing import Bill, Claim, Suspicion

LATER = ("after_route", "after_response", "background")
"""The modes whose tasks seem to come after all that the endpoint did. An immediate task runs beside
it, so that nobody expects anything to be closed by then."""


@dataclass(slots=True)
class _Early:
    """The starts of one kind of task before one dependency had closed."""

    claims: list[Claim] = field(default_factory=list)
    most: int = 0


def closed_later(evidence: Evidence) -> Iterator[Suspicion]:
    """Suspect each dependency that closed after tasks of its request had started."""
    found: dict[tuple[str, str, str], _Early] = {}
    for timeline in evidence.timelines:
        for span in timeline.spans:
            if span.kind == "close" and span.task is None and span.end is not None:
                for task, closed in _before(timeline, span):
                    early = found.setdefault((span.name, task.name, task.mode), _Early())
                    early.claims.append(Claim("run", timeline, task, task.started or 0, closed))
                    early.most = max(early.most, closed - (task.started or 0))
    for (dependency, name, mode), early in found.items():
        yield _suspicion(dependency, task_title(name, mode), early)


def _before(timeline: Timeline, close: Span) -> Iterator[tuple[TaskRecord, int]]:
    """Yield the tasks that started before the close had ended, and when it had."""
    for task in timeline.tasks:
        started = task.started
        if task.mode not in LATER or task.parent is not None or started is None:
            continue
        if close.end is not None and started < close.end:
            yield task, close.end


def _suspicion(dependency: str, task: str, early: _Early) -> Suspicion:
    first = early.claims[0]

    def say(_: Bill) -> tuple[str, str]:
        closed, most = named(dependency), duration(early.most)
        if early.claims[1:]:
            times = count(len(early.claims), "time")
            fact = f"{task} started {times} before {closed} had closed, by up to {most}"
        else:
            fact = f"{task} started {most} before {closed} had closed"
        fact += ": if closing it commits anything, that was not there yet"
        return fact, f'write `Depends({closed}, scope="function")`, which closes before the answer'

    return Suspicion(
        "closed_later",
        Cause("dependency", dependency),
        place_of(first.timeline, first.task),
        say,
        early.claims,
    )
