"""What an app does right now, in numbers: the live page's counters."""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fastapi_tasks import Event, Recorder, TaskRecord, Timeline
from visualize.answers.naming import ended_badly
from visualize.answers.summary import failed

SECONDS = 10
"""The span of time that rates are about."""
LOOKED_AT = 1000
"""So many open tasks, the oldest, are looked at for the slowest one."""

Numbers = dict[str, Any]


@dataclass(slots=True)
class Second:
    """What happened in one second of the monotonic clock."""

    at: int
    requests: int = 0
    errors: int = 0
    held: int = 0


class Counting:
    """Counts a recorder's events; each costs the same, however much is open."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._since = 0.0
        self._seconds: deque[Second] = deque(maxlen=SECONDS + 1)
        self._held_until = 0
        self._requests: dict[int, Timeline] = {}
        self._tasks: dict[tuple[int, int], tuple[Timeline, TaskRecord]] = {}

    def begin(self) -> None:
        """Begin anew."""
        self._since = time.monotonic()
        self._seconds.clear()
        self._requests.clear()
        self._tasks.clear()

    def find(self, timeline: Timeline) -> None:
        """Take in what a request has open already."""
        if timeline.kind == "lifespan":
            # What is in flight for as long as the app runs says nothing.
            return
        if timeline.request_end is None:
            self._requests[timeline.id] = timeline
        for task in timeline.tasks:
            if task.outcome is None:
                self._tasks[timeline.id, task.id] = timeline, task

    def take(self, event: Event) -> None:
        """Count what just happened."""
        kind, timeline, task = event.kind, event.timeline, event.task
        if timeline.kind == "lifespan" and kind not in ("busy", "finished"):
            return
        if kind == "request_start":
            self._requests[timeline.id] = timeline
            self._second().requests += 1
        elif kind == "request_end":
            self._requests.pop(timeline.id, None)
            self._second().errors += failed(timeline)
        elif kind == "busy":
            self._hold(timeline)
        elif task is not None and kind == "finished":
            self._tasks.pop((timeline.id, task.id), None)
            self._second().errors += ended_badly(task)
        elif task is not None:
            self._tasks[timeline.id, task.id] = timeline, task

    def told(self) -> Numbers:
        """Return the counters as of now."""
        now = time.monotonic()
        recent = [one for one in list(self._seconds) if one.at > int(now) - SECONDS]
        seconds = round(max(min(now - self._since, float(SECONDS)), 1.0), 1)
        requests = sum(one.requests for one in recent)
        return {
            "wall": time.time_ns(),
            "processes": 1,
            "seconds": seconds,
            "requests": requests,
            "per_second": round(requests / seconds, 1),
            "errors": sum(one.errors for one in recent),
            "held_ns": sum(one.held for one in recent),
            "in_flight": len(self._requests),
            "tasks": len(self._tasks),
            "slowest": self._slowest(),
        }

    def _slowest(self) -> Numbers | None:
        open_ = list(islice(self._tasks.values(), LOOKED_AT))
        running = [(task.started, owner, task) for owner, task in open_ if task.started is not None]
        if not running:
            return None
        started, timeline, task = min(running, key=lambda one: one[0])
        return {
            "process": os.getpid(), "request": timeline.id, "task": task.id, "name": task.name,
            "title": timeline.title, "ran_ns": max(self._recorder.clock() - started, 0),
        }  # fmt: skip

    def _second(self) -> Second:
        now = int(time.monotonic())
        if not self._seconds or self._seconds[-1].at != now:
            self._seconds.append(Second(now))
        return self._seconds[-1]

    def _hold(self, timeline: Timeline) -> None:
        """Count a held step once, though each request that waited tells of it."""
        step = timeline.busy[-1]
        self._second().held += max(step.end - max(step.start, self._held_until), 0)
        self._held_until = max(self._held_until, step.end)


def together(numbers: list[Numbers]) -> Numbers:
    """Add up the counters of several processes."""
    first, *others = numbers
    added = dict(first)
    for one in others:
        for name in ("processes", "requests", "errors", "held_ns", "in_flight", "tasks"):
            added[name] += one[name]
        added["per_second"] = round(added["per_second"] + one["per_second"], 1)
        slowest = [found for found in (added["slowest"], one["slowest"]) if found is not None]
        added["slowest"] = max(slowest, key=lambda found: found["ran_ns"], default=None)
    return added
