"""What the rules look at: a recording, and what can be read from it once for all of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

from fastapi_tasks.timeline import TaskRecord, Timeline
from visualize.answers.loop import Hold, holds
from visualize.answers.naming import route_of

from .finding import Place
from .intervals import Intervals, middle

STEP = 20_000_000
"""Nanoseconds. A shorter step is not looked at, which is what a recorder does by itself: who has it
record shorter ones wants to see them, and they delay nobody by what anyone would notice."""

MOST = 16
"""Holds that one wait is said to have been for, the last ones. A loop that is held more often while
somebody waits is so overloaded that the causes are the same over and over."""

ENOUGH = 5
"""Requests of a route that nothing held up, from which on their middle one is what is usual."""


class Loop:
    """What held one process's event loop."""

    def __init__(self, held: Sequence[Hold]) -> None:
        self.holds = [hold for hold in held if hold.lasted >= STEP]
        self.intervals = Intervals((hold.start, hold.end) for hold in self.holds)
        self._own: dict[int, list[Hold]] = defaultdict(list)
        for hold in self.holds:
            if hold.task is None and hold.timeline is not None:
                self._own[id(hold.timeline)].append(hold)

    def over(self, start: int, end: int) -> Iterator[tuple[Hold, int, int]]:
        """Yield each hold within a time, with the start and the end of what is inside.

        Of very many, the last ones: see MOST.
        """
        for at, first, last in self.intervals.within(start, end, MOST):
            yield self.holds[at], first, last

    def held(self, start: int, end: int) -> bool:
        """Tell whether anything held it within a time: less work than `over`."""
        return self.before(start) + 1 < bisect_left(self.intervals.starts, end)

    def own(self, timeline: Timeline) -> list[Hold]:
        """Return the steps of the request itself."""
        return self._own.get(id(timeline), [])

    def before(self, moment: int) -> int:
        """Return the position of the last hold that ended by then, -1 if there is none."""
        return bisect_right(self.intervals.ends, moment) - 1


class Evidence:
    """A recording. What takes long to know is found out when a rule first asks."""

    def __init__(self, timelines: Sequence[Timeline], grace: int, shutdown: int) -> None:
        self.timelines = timelines
        self.grace = grace
        self.shutdown = shutdown

    @cached_property
    def loops(self) -> dict[int, Loop]:
        """What held the loop, by process; those that nothing held are left out."""
        found = {process: Loop(held) for process, held in holds(self.timelines).items()}
        return {process: loop for process, loop in found.items() if loop.holds}

    @cached_property
    def kinds(self) -> dict[tuple[str, str], list[tuple[Timeline, TaskRecord]]]:
        """All tasks with their requests, by name and mode."""
        found: dict[tuple[str, str], list[tuple[Timeline, TaskRecord]]] = defaultdict(list)
        for timeline in self.timelines:
            for task in timeline.tasks:
                found[task.name, task.mode].append((timeline, task))
        return found

    @cached_property
    def requests(self) -> Counter[str]:
        """How many requests there are of each route."""
        return Counter(map(route_of, self.timelines))

    @cached_property
    def ends(self) -> dict[int, int]:
        """The last moment that is known of each process: there, what is not over still goes on."""
        found: dict[int, int] = {}
        for timeline in self.timelines:
            last = timeline.last
            if last > found.get(timeline.process, last - 1):
                found[timeline.process] = last
        return found

    @cached_property
    def usual(self) -> dict[str, int]:
        """The usual response time of each route: that of requests during which nobody else held.

        Routes with too few of these are left out.
        """
        times = defaultdict(list)
        for timeline in self.timelines:
            sent = timeline.response_sent
            if sent is not None and not self.held_up(timeline, sent):
                times[route_of(timeline)].append(sent - timeline.request_start)
        return {route: middle(known) for route, known in times.items() if len(known) >= ENOUGH}

    def held_up(self, timeline: Timeline, until: int) -> bool:
        """Tell whether anything but the request itself held its loop, from its start until then."""
        loop, start = self.loops.get(timeline.process), timeline.request_start
        if loop is None or not loop.held(start, until):
            return False
        return any(
            hold.timeline is not timeline or hold.task is not None
            for hold, _, _ in loop.over(start, until)
        )

    def end_of(self, timeline: Timeline, moment: int | None) -> int:
        """Return a moment or, where it has not come, the end of what is known."""
        return self.ends[timeline.process] if moment is None else moment


def place_of(timeline: Timeline, task: TaskRecord | None = None) -> Place:
    """Return where a request or a task is to be found."""
    return Place(timeline.process, timeline.id, None if task is None else task.id)
