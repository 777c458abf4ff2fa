"""Keeps the timelines of an app, bounded, and tells who listens what happens: the inner side."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple, Protocol

from starlette.types import Scope

from .bounds import Bounds, thin
from .held import HeldLoops, OpenRequest
from .log import log
from .settling import Settling
from .timeline import Busy, Span, TaskRecord, Timeline


class Event(NamedTuple):
    """Something that just happened to a request or to one of its tasks.

    The time is in the record of the request or task that it happened to.
    """

    kind: str
    """The name of the moment, as the timeline or the task has it (`request_start`, `endpoint_end`,
    `released`, …), or `busy` when a step has held the event loop."""
    timeline: Timeline
    """The request's record."""
    task: TaskRecord | None = None
    """The task's record; None where it happened to the request itself."""


Listener = Callable[[Event], object]


class Open(Protocol):
    """A task that has not ended."""

    @property
    def title(self) -> str:
        """The task in words."""


class Keeper:
    """What requests and tasks write to. A request is open from `begin()` to `end()`."""

    # Each request and task reads these several times.
    __slots__ = (
        "apart",
        "begun",
        "bounds",
        "busy_limit",
        "cleared",
        "clock",
        "crowded",
        "enabled",
        "groups",
        "ignored",
        "kept",
        "lifespans",
        "listeners",
        "loops",
        "open",
        "own_packages",
        "process",
        "settling",
        "wall",
        "watching",
    )

    def __init__(
        self,
        bounds: Bounds,
        busy_limit: float,
        clock: Callable[[], int],
        wall: Callable[[], int],
    ) -> None:
        self.bounds = bounds
        self.busy_limit = busy_limit
        self.clock = clock
        self.wall = wall
        self.enabled = True
        self.ignored: tuple[str, ...] = ()
        self.watching = False
        self.kept: deque[Timeline] = deque(maxlen=bounds.requests)
        # Of lifespans: no flood of requests lets them go.
        self.apart: deque[Timeline] = deque(maxlen=bounds.requests)
        self.open: dict[Any, None] = {}
        # Of each request with more tasks than are kept, since they are open: how many have yet to
        # come or to end until it is looked for those that may go.
        self.crowded: dict[int, int] = {}
        self.groups: list[dict[Any, None]] = []
        self.listeners: tuple[Listener, ...] = ()
        self.settling = Settling()
        self.begun = self.lifespans = 0
        self.cleared = 0
        # An app may be made before a server forks its workers: asked again at each start.
        self.process = os.getpid()
        self.loops = HeldLoops(self)
        self.own_packages: Callable[[], Collection[str]] = tuple

    # Requests ----------------------------------------------------------------------------------

    def begin(self, request: OpenRequest, scope: Scope) -> None:
        """Keep a request, and give it the next number; while recording is off it stays 0."""
        if self.ignored and _below(scope, self.ignored):
            return
        self.open[request] = None
        if self.enabled:
            timeline = request.timeline
            timeline.id = self.begun = self.begun + 1
            self.kept.append(timeline)
            if self.listeners:
                self.tell("request_start", timeline)

    def end(self, request: OpenRequest) -> None:
        """Take note that the app is done with a request."""
        self.open.pop(request, None)
        if self.settling.waiters:
            self.settling.something_ended()

    def keep_apart(self, timeline: Timeline) -> None:
        """Keep a timeline that is no request's, and that nobody waits for.

        Its number is below 0, so that it takes none from the requests.
        """
        if self.enabled:
            self.lifespans += 1
            timeline.id = -self.lifespans
            self.apart.append(timeline)
            if self.listeners:
                self.tell("request_start", timeline)

    def clear(self) -> None:
        """Forget the recorded requests."""
        self.kept.clear()
        self.apart.clear()
        self.cleared = self.begun + self.lifespans

    @property
    def dropped(self) -> int:
        """How many requests were let go to make room."""
        return self.begun + self.lifespans - self.cleared - len(self.kept) - len(self.apart)

    # What happened -----------------------------------------------------------------------------

    def tell(self, kind: str, timeline: Timeline, task: TaskRecord | None = None) -> None:
        """Tell every listener; callers look at `listeners` first."""
        if timeline.id == 0:
            return
        event = Event(kind, timeline, task)
        for listener in self.listeners:
            try:
                listener(event)
            except KeyboardInterrupt:
                raise
            except BaseException:
                # It is called within the app's own steps, which none of it may end.
                self.listeners = tuple(one for one in self.listeners if one is not listener)
                log.exception("a subscriber of the recorder failed and is dropped")

    def add_task(self, timeline: Timeline, record: TaskRecord) -> None:
        """Number a task and put it into its timeline; of too many, old ones are let go."""
        tasks = timeline.tasks
        before = len(tasks)
        record.id = timeline.tasks_dropped + before
        if timeline.id == 0:
            return
        tasks.append(record)
        if before >= self.bounds.tasks_before_cut:
            self._make_room(timeline)

    def task_ended(self, timeline: Timeline) -> None:
        """Let tasks go that were too many, and had to stay until they ended; on their loop only.

        Callers look at `crowded` first.
        """
        if timeline.id in self.crowded:
            self._make_room(timeline)

    def _make_room(self, timeline: Timeline) -> None:
        # An eighth at a time, so that letting go costs next to nothing a task, and that where all
        # of a hundred thousand are still open, not each one looks through all the others.
        left = self.crowded.get(timeline.id, 1) - 1
        if left:
            self.crowded[timeline.id] = left
            return
        tasks, most = timeline.tasks, self.bounds.tasks
        timeline.tasks_dropped += thin(tasks, most)
        if len(tasks) > most:
            self.crowded[timeline.id] = max(len(tasks) // 8, 1)
        else:
            self.crowded.pop(timeline.id, None)

    def add_span(self, timeline: Timeline, span: Span) -> None:
        """Number a span and put it into its request's timeline; of too many the last stay."""
        spans = timeline.spans
        before = len(spans)
        span.id = timeline.spans_dropped + before
        if timeline.id == 0:
            return
        spans.append(span)
        if before >= self.bounds.spans_before_cut:
            most = self.bounds.spans
            timeline.spans_dropped += len(spans) - most
            del spans[:-most]

    def add_busy(self, timeline: Timeline, busy: Busy) -> None:
        """Put a busy segment into a request's timeline; of too many the last stay."""
        if timeline.id == 0:
            return
        segments = timeline.busy
        segments.append(busy)
        if len(segments) > self.bounds.busy_before_cut:
            most = self.bounds.busy
            timeline.busy_dropped += len(segments) - most
            del segments[:-most]
        if self.listeners:
            self.tell("busy", timeline)

    # Tasks that are open ------------------------------------------------------------------------

    def group(self) -> dict[Any, None]:
        """Return a new collection whose members count as open while they are in it."""
        group: dict[Any, None] = {}
        self.groups.append(group)
        return group

    def ungroup(self, group: dict[Any, None]) -> None:
        """Let a collection go, and whatever is in it."""
        self.groups = [one for one in self.groups if one is not group]
        self.settling.something_ended()

    def is_settled(self) -> bool:
        """Tell whether every request is answered and every task has ended."""
        return not self.open and not any(self.groups)

    def open_titles(self) -> list[str]:
        """Name what has not ended: requests, then tasks."""
        requests = [one.timeline.title for one in list(self.open)]
        tasks: Iterable[Open] = [one for group in self.groups for one in list(group)]
        return [*requests, *(task.title for task in tasks)]


def _below(scope: Scope, prefixes: tuple[str, ...]) -> bool:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return any(path == one or path.startswith(f"{one}/") for one in prefixes)
