"""One after another: BackgroundTasks of one request that waited for each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from fastapi_tasks.timeline import TaskRecord, Timeline
from visualize.answers.naming import named, route_of
from visualize.words import count, duration

from .evidence import Evidence, place_of
from .finding import Cause, Place
from .pricing import Bill, Claim, Suspicion

BACKGROUND = "background"
"""The mode of Starlette's BackgroundTasks."""

NOTICED = 20_000_000
"""Nanoseconds that their starts must have lost altogether."""

WORTH = 0.1
"""The share of what starts lost, from which on it is worth saying how much sooner all is
done. Where one takes nearly all of the time, it hardly is."""


@dataclass(slots=True)
class _Queue:
    """What is known of the BackgroundTasks of a route."""

    where: Place
    claims: list[Claim] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)
    saved: int = 0
    requests: int = 0


def one_after_another(evidence: Evidence) -> Iterator[Suspicion]:
    """Suspect, for each route, the BackgroundTask that the others waited for longest."""
    found: dict[str, _Queue] = {}
    for timeline in evidence.timelines:
        tasks = sorted(_ran(timeline), key=lambda task: task.started or 0)
        if len(tasks) > 1:
            queue = found.setdefault(route_of(timeline), _Queue(place_of(timeline, tasks[0])))
            _add(queue, timeline, tasks)
    for route, queue in found.items():
        if queue.claims:
            yield _suspicion(route, queue)


def _ran(timeline: Timeline) -> list[TaskRecord]:
    return [
        task
        for task in timeline.tasks
        if task.mode == BACKGROUND and task.released is not None and task.ran is not None
    ]


def _add(queue: _Queue, timeline: Timeline, tasks: list[TaskRecord]) -> None:
    queue.requests += 1
    at = len(queue.claims)
    for number, task in enumerate(tasks):
        for earlier in tasks[:number]:
            start = max(earlier.started or 0, task.released or 0)
            end = min(earlier.finished or 0, task.started or 0)
            if start < end:
                queue.claims.append(Claim("wait", timeline, task, start, end))
                queue.kept[earlier.name] += end - start
    if at < len(queue.claims):
        # Begun together, they would have been done when the longest of them was.
        first = min(task.released or 0 for task in tasks)
        last = max(task.finished or 0 for task in tasks)
        queue.saved += max(last - first - max(task.ran or 0 for task in tasks), 0)


def _suspicion(route: str, queue: _Queue) -> Suspicion:
    name, _ = queue.kept.most_common(1)[0]

    def say(bill: Bill) -> tuple[str, str]:
        fact = (
            f"`BackgroundTasks` of {named(route)} ran one after another: "
            f"{count(bill.starts, 'task')} came late by {duration(bill.cost)}"
            f"{' altogether' * (bill.starts > 1)}, most of it for {named(name)}"
        )
        advice = "scheduled with after_response they start together"
        if queue.saved >= WORTH * bill.cost:
            saved = f"{duration(queue.saved)} sooner{' altogether' * (queue.requests > 1)}"
            advice += f", done {saved}"
        return fact, advice

    cause = Cause("task", name, BACKGROUND)
    return Suspicion("one_after_another", cause, queue.where, say, queue.claims, least=NOTICED)
