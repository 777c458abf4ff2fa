"""Keeps the timelines of an app, bounded, and tells who listens what happens: the inner side."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from threading import get_ident
from typing import Any, NamedTuple, Protocol

from starlette.types import Scope

from .settling import Settling
from .steps import Beat
from .timeline import MACHINE, Busy, Span, TaskRecord, Timeline

logger = logging.getLogger("fastapi_tasks")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that just happened to a request or, where `task` is given, to that task.

    `kind` is the name of the moment, as the timeline or the task has it (`request_start`,
    `endpoint_end`, `released`, …), or `busy` when a step has held the event loop. The record that
    it happened to holds the time.
    """

    kind: str
    timeline: Timeline
    task: TaskRecord | None = None


Listener = Callable[[Event], object]


class Open(Protocol):
    """A task that has not ended."""

    @property
    def title(self) -> str:
        """The task in words."""


class OpenRequest(Protocol):
    """A request that has not ended."""

    thread: int

    @property
    def timeline(self) -> Timeline:
        """Its record."""


class Told(NamedTuple):
    """What was seen from outside while something held a loop.

    `line` is the source line that held it, where it is known. `thread` is the function of another
    thread, which kept the interpreter lock so that the loop could not go on; None where the loop
    itself was at work. `machine` says that it was kept from its work, and no code of the app is
    known to have done that: the machine gave the processors, or the lock, to others.
    """

    line: str | None = None
    thread: str | None = None
    machine: bool = False


class LoopWatch(Protocol):
    """What looks at one loop's thread from another."""

    beat: Beat
    users: int

    def stop(self) -> None:
        """Look no more."""

    def told_of(self, begun: int) -> Told:
        """Tell what held the loop in the step that began then and has just ended."""


# What the recorder's user calls each bound.
_WORDS = {"requests": "maxlen", "tasks": "max_tasks", "spans": "max_spans", "busy": "max_busy"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: requests, and of each the last tasks, spans and busy segments."""

    requests: int
    tasks: int
    spans: int
    busy: int

    def __post_init__(self) -> None:
        for name, words in _WORDS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"{words} is {value!r}, but a recorder keeps at least one: "
                    "give a whole number from 1"
                )


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
        "enabled",
        "groups",
        "held",
        "ignored",
        "kept",
        "listeners",
        "open",
        "own_packages",
        "process",
        "settling",
        "wall",
        "watches",
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
        self.groups: list[dict[Any, None]] = []
        self.listeners: tuple[Listener, ...] = ()
        self.settling = Settling()
        self.begun = 0
        self.cleared = 0
        # An app may be made before a server forks its workers: asked again at each start.
        self.process = os.getpid()
        # By the thread that each loop runs on.
        self.watches: dict[int, LoopWatch] = {}
        # What the last steps held, of all loops: a step may stand inside of one that ends later.
        self.held: deque[tuple[int, int, int]] = deque(maxlen=64)
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
        """Keep a timeline that is no request's, and that nobody waits for."""
        if self.enabled:
            timeline.id = self.begun = self.begun + 1
            self.apart.append(timeline)
            if self.listeners:
                self.tell("request_start", timeline)

    def clear(self) -> None:
        """Forget the recorded requests."""
        self.kept.clear()
        self.apart.clear()
        self.cleared = self.begun

    @property
    def dropped(self) -> int:
        """How many requests were let go to make room."""
        return self.begun - self.cleared - len(self.kept) - len(self.apart)

    # What happened -----------------------------------------------------------------------------

    def tell(self, kind: str, timeline: Timeline, task: TaskRecord | None = None) -> None:
        """Tell every listener; callers look at `listeners` first."""
        if timeline.id == 0:
            return
        event = Event(kind, timeline, task)
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:
                self.listeners = tuple(one for one in self.listeners if one is not listener)
                logger.exception("a subscriber of the recorder failed and is dropped")

    def add_task(self, timeline: Timeline, record: TaskRecord) -> None:
        """Number a task and put it into its timeline; of too many, old ones are let go."""
        tasks, most = timeline.tasks, self.bounds.tasks
        record.id = timeline.tasks_dropped + len(tasks)
        if timeline.id == 0:
            return
        tasks.append(record)
        # An eighth at a time, so that letting go costs next to nothing a task, and that where all
        # of ten thousand are still open, not each one looks through all the others.
        eighth = most // 8
        if len(tasks) >= most + eighth and (not eighth or record.id % eighth == 0):
            timeline.tasks_dropped += _thin(tasks, most)

    def add_span(self, timeline: Timeline, span: Span) -> None:
        """Number a span and put it into its request's timeline; of too many the last stay."""
        spans, most = timeline.spans, self.bounds.spans
        span.id = timeline.spans_dropped + len(spans)
        if timeline.id == 0:
            return
        spans.append(span)
        if len(spans) > most + most // 8:
            timeline.spans_dropped += len(spans) - most
            del spans[:-most]

    def held_loop(
        self, culprit: OpenRequest, begun: int, ended: int, task: TaskRecord | None = None
    ) -> None:
        """Record a step that held the loop, for its culprit and for every request that waited.

        What steps inside of it have held is recorded with those.
        """
        thread = get_ident()
        told = self.watches[thread].told_of(begun) if thread in self.watches else Told()
        for start, end in self._not_yet_held(begun, ended, thread):
            self._held(culprit, start, end, task, told, thread)

    def _not_yet_held(self, begun: int, ended: int, thread: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of a step that no step inside of it has held."""
        inside = [
            one for one in self.held if one[0] == thread and begun <= one[1] and one[2] <= ended
        ]
        self.held.append((thread, begun, ended))
        start = begun
        for _, inner, over in sorted(inside):
            if inner - start > self.busy_limit:
                yield start, inner
            start = max(start, over)
        if ended - start > self.busy_limit:
            yield start, ended

    def _held(
        self,
        culprit: OpenRequest,
        begun: int,
        ended: int,
        task: TaskRecord | None,
        told: Told,
        thread: int,
    ) -> None:
        own, title = culprit.timeline, culprit.timeline.title
        if told.thread is not None:
            # Not the step's doing: it waited as all others did.
            self._add_busy(own, self.held_by_thread(told, begun, ended, thread, culprit))
            return
        if told.machine:
            put_aside = Busy(begun, ended, MACHINE)
            self._add_busy(own, put_aside)
            self._add_to_waiting(put_aside, thread, culprit)
            return
        name = title if task is None else task.name
        id = None if task is None else task.id
        self._add_busy(own, Busy(begun, ended, name, id, told.line))
        # One record for all who waited: there may be hundreds of idle connections.
        seen = Busy(begun, ended, name if task is None else f"{name} of {title}", None, told.line)
        self._add_to_waiting(seen, thread, culprit)

    def held_by_other(
        self, culprit: str, begun: int, ended: int, line: str | None, thread: int
    ) -> None:
        """Record what held the loop of this thread, and was neither a request's nor a task's."""
        self._add_to_waiting(Busy(begun, ended, culprit, None, line), thread)

    def held_by_thread(
        self, told: Told, begun: int, ended: int, thread: int, but: OpenRequest | None = None
    ) -> Busy:
        """Record for all but one, and return, what another thread did to the loop of this one."""
        busy = Busy(begun, ended, f"{told.thread} in a thread", None, told.line, thread=True)
        self._add_to_waiting(busy, thread, but)
        return busy

    def _add_to_waiting(self, busy: Busy, thread: int, culprit: OpenRequest | None = None) -> None:
        for other in list(self.open):
            if other is culprit or other.thread != thread:
                continue
            if other.timeline.response_sent is None:
                self._add_busy(other.timeline, busy)

    def _add_busy(self, timeline: Timeline, busy: Busy) -> None:
        if timeline.id == 0:
            return
        segments, most = timeline.busy, self.bounds.busy
        segments.append(busy)
        if len(segments) > most + most // 8:
            timeline.busy_dropped += len(segments) - most
            del segments[:-most]
        if self.listeners:
            self.tell("busy", timeline)

    def beat_of(self, thread: int) -> Beat | None:
        """Return what is to be told of a loop's steps, None where nobody watches it."""
        watch = self.watches.get(thread)
        return None if watch is None else watch.beat

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


def _thin(tasks: list[TaskRecord], most: int) -> int:
    """Let the oldest tasks that have ended go, down to `most` if so many have; return how many."""
    spare = len(tasks) - most
    left: list[TaskRecord] = []
    for task in tasks:
        if spare and task.outcome is not None:
            spare -= 1
        else:
            left.append(task)
    dropped = len(tasks) - len(left)
    tasks[:] = left
    return dropped
