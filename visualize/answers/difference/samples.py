"""What is compared: for each route and each kind of task, what was measured, in order of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from fastapi_tasks.timeline import Timeline
from visualize.answers.loop import holds
from visualize.answers.naming import ended_badly, route_of
from visualize.answers.summary import Key, failed


@dataclass(slots=True)
class Samples:
    """One row's measurements: durations that are known, then a number for each of its items."""

    response: list[int] = field(default_factory=list)
    wait: list[int] = field(default_factory=list)
    run: list[int] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)


def samples(timelines: Sequence[Timeline]) -> dict[Key, Samples]:
    """Collect the measurements of a recording, in the order in which its requests came."""
    held = _held(timelines)
    found: dict[Key, Samples] = defaultdict(Samples)
    for timeline in sorted(timelines, key=lambda one: one.wall):
        route = found["route", route_of(timeline), ""]
        if timeline.response_sent is not None:
            route.response.append(timeline.response_sent - timeline.request_start)
        route.errors.append(failed(timeline))
        route.held.append(held[id(timeline)])
        for task in timeline.tasks:
            kind = found["task", task.name, task.mode]
            if (waited := task.waited) is not None:
                kind.wait.append(waited)
            if (ran := task.ran) is not None:
                kind.run.append(ran)
            kind.errors.append(ended_badly(task))
            kind.held.append(held[id(task)])
    return found


def _held(timelines: Sequence[Timeline]) -> dict[int, int]:
    """How long each request or task, by its identity, held the event loop."""
    held: dict[int, int] = defaultdict(int)
    for many in holds(timelines).values():
        for hold in many:
            if hold.task is not None:
                held[id(hold.task)] += hold.lasted
            elif hold.timeline is not None and hold.culprit == hold.timeline.title:
                held[id(hold.timeline)] += hold.lasted
    return held
