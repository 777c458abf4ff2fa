"""All answers to one recording, or to what a filter leaves of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import nlargest

from fastapi_tasks.timeline import Timeline
from visualize.words import count, duration

from .filter import select
from .findings import Finding, concerning, explain
from .naming import requests_of
from .summary import Summary, failed, summary

LATE = 20_000_000
"""Nanoseconds after its release from which on the start of a task is called late."""


@dataclass(frozen=True)
class Answers:
    """What a recording answers, each thing found out when it is first asked.

    `shown` are the requests that were asked for, `filtered` tells whether a filter chose them.
    """

    timelines: Sequence[Timeline]
    shown: Sequence[Timeline]
    filtered: bool = False

    @classmethod
    def of(cls, timelines: Sequence[Timeline], where: str | None = None) -> Answers:
        """Answer for all, or for what a filter leaves. Raises FilterError."""
        if where is None:
            return cls(timelines, timelines)
        return cls(timelines, select(timelines, where), filtered=True)

    @cached_property
    def findings(self) -> list[Finding]:
        """Why: of the whole recording, as causes may be elsewhere, what concerns those shown."""
        found = explain(self.timelines)
        return concerning(found, self.shown) if self.filtered else found

    @cached_property
    def summary(self) -> Summary:
        """Those shown in numbers."""
        return summary(self.shown)

    @cached_property
    def requests(self) -> list[Timeline]:
        """Those shown, but for what the app did in its lifespan."""
        return requests_of(self.shown)

    @cached_property
    def tasks(self) -> int:
        """How many tasks those shown have."""
        return sum(len(timeline.tasks) for timeline in self.shown)

    def slowest(self, number: int) -> list[Timeline]:
        """Return the slowest requests of those shown, the slowest first: see `slowness`."""
        return nlargest(number, self.requests or self.shown, key=slowness)

    def __str__(self) -> str:
        """Say in one line how much there is."""
        every = len(requests_of(self.timelines))
        of = f" of {every:,}" if self.filtered else ""
        words = f"{len(self.requests):,}{of} {'request' if every == 1 else 'requests'}"
        words += f" in {duration(_lasted(self.shown))}, {count(self.tasks, 'task')}"
        late = sum((task.waited or 0) > LATE for one in self.shown for task in one.tasks)
        words += f", {late:,} over {duration(LATE)} late" if late else ""
        bad = sum(map(failed, self.shown))
        return words + (f"; {count(bad, 'request')} failed" if bad else "")


def slowness(timeline: Timeline) -> int:
    """Nanoseconds: the longest of the response and of the waits of the tasks."""
    sent = timeline.response_sent
    response = 0 if sent is None else sent - timeline.request_start
    return max(response, *(task.waited or 0 for task in timeline.tasks), 0)


def _lasted(timelines: Sequence[Timeline]) -> int:
    """From the first request to the last moment, on the wall clock that all processes share."""
    first = min((one.wall for one in timelines), default=0)
    return max((one.wall + one.last - one.request_start for one in timelines), default=0) - first
