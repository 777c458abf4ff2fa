"""Keeps the timelines of an app, bounded, and tells who listens what happens."""

from __future__ import annotations

import logging
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event as ThreadEvent
from typing import TYPE_CHECKING, Any, Literal, Protocol

import anyio

from .backends import current_backend
from .timeline import Busy, TaskRecord, Timeline

if TYPE_CHECKING:
    from .marks import Marks

logger = logging.getLogger("fastapi_tasks")

EventKind = Literal[
    "request_start",
    "endpoint_start",
    "endpoint_end",
    "response_start",
    "response_sent",
    "request_end",
    "requested",
    "released",
    "started",
    "finished",
    "busy",
]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that just happened to a request or, where `task` is given, to that task.

    The record that it happened to holds the time.
    """

    kind: EventKind
    timeline: Timeline
    task: TaskRecord | None = None


class Open(Protocol):
    """A request or a task that has not ended."""

    @property
    def title(self) -> str: ...


Group = dict[Any, Any]
Listener = Callable[[Event], object]


class Recorder:
    """Record the requests of an app.

    `maxlen` is how many requests are kept, the latest ones. `busy_threshold` is how many seconds
    a step may hold the event loop before it is recorded. `enabled` can be switched at any time;
    off, requests run as before and nothing is kept. `clock` returns nanoseconds of a clock that
    never goes back, `wall` nanoseconds since the epoch. Raises ValueError for a limit that is
    negative or not a number.
    """

    def __init__(
        self,
        *,
        maxlen: int = 256,
        busy_threshold: float = 0.02,
        enabled: bool = True,
        clock: Callable[[], int] = time.perf_counter_ns,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        if isinstance(maxlen, bool) or not isinstance(maxlen, int) or maxlen < 1:
            raise ValueError(
                f"maxlen is {maxlen!r}, but a recorder keeps at least one request: "
                "give a whole number from 1"
            )
        if not busy_threshold >= 0:
            raise ValueError(
                f"busy_threshold is {busy_threshold!r}: give seconds, 0 or more; "
                "math.inf records no busy segments"
            )
        self.clock = clock
        self.wall = wall
        # Whole nanoseconds, which compare faster; infinity has none.
        nanoseconds = busy_threshold * 1e9
        self.busy_limit = nanoseconds if math.isinf(nanoseconds) else round(nanoseconds)
        self.listeners: tuple[Listener, ...] = ()
        self._kept: deque[Marks] = deque(maxlen=maxlen)
        self.begun = 0
        self.ended = 0
        self._cleared = 0
        self.enabled = enabled
        self._groups: list[Group] = []
        self.waited_for: list[tuple[Callable[[], bool], Callable[[], object]]] = []
        self.process = os.getpid()

    @property
    def enabled(self) -> bool:
        """Whether requests are recorded."""
        return self.keep != self._pass_over

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        # Chosen here, once, rather than by every request.
        self.keep: Callable[[Marks], object] = self._kept.append if enabled else self._pass_over

    @property
    def timelines(self) -> list[Timeline]:
        """The requests that are kept, in the order of their start."""
        return [request.timeline for request in list(self._kept)]

    @property
    def last(self) -> Timeline | None:
        """The request that started last, or None."""
        return self._kept[-1].timeline if self._kept else None

    @property
    def maxlen(self) -> int:
        """How many requests are kept."""
        return self._kept.maxlen or 0

    @property
    def dropped(self) -> int:
        """How many requests were let go to make room, since the start or the last `clear()`."""
        return self.begun - self._cleared - len(self._kept)

    def clear(self) -> None:
        """Forget the recorded requests. Those still open go on, unrecorded."""
        self._kept.clear()
        self._cleared = self.begun

    def __repr__(self) -> str:
        state = "" if self.enabled else ", off"
        return f"<Recorder: {len(self._kept)} requests, {self.dropped} dropped{state}>"

    # Requests ----------------------------------------------------------------------------------

    def begin(self, request: Marks) -> None:
        """Count a request, and keep it; unrecorded, it gets the number 0."""
        request.id = self.begun = self.begun + 1
        self.keep(request)
        if self.listeners and request.id:
            request.tell("request_start")

    def end(self) -> None:
        """Count a request that has ended, and wake who waited for that."""
        self.ended += 1
        if self.waited_for:
            self.left()

    def _pass_over(self, request: Marks) -> None:
        # It takes no number; `begun` and `ended` still differ by what is open.
        request.id = 0
        self.begun -= 1
        self.ended -= 1

    # Listening ---------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every Event as it happens; return what ends that.

        It is called where things happen, also in worker threads, and must not block. One that
        raises is logged and no longer called.
        """
        self.listeners = (*self.listeners, listener)
        # Those that are under way tell what happens once somebody has looked at them.
        _ = [request.timeline for request in self._open_requests()]

        def unsubscribe() -> None:
            self.listeners = tuple(one for one in self.listeners if one is not listener)

        return unsubscribe

    def tell(self, kind: EventKind, timeline: Timeline, task: TaskRecord | None = None) -> None:
        """Tell every listener."""
        if not self.enabled:
            return
        event = Event(kind, timeline, task)
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:
                self.listeners = tuple(one for one in self.listeners if one is not listener)
                logger.exception("a subscriber of the recorder failed and is dropped")

    # Recording ---------------------------------------------------------------------------------

    def held_loop(
        self, request: Marks, begun: int, ended: int, culprit: str, task: int | None = None
    ) -> None:
        """Record a busy segment for its culprit and for every request that waited for its end."""
        if not self.enabled:
            return
        busy = request.timeline.busy
        # A request is watched inside and outside its middlewares: the same step, seen twice.
        if task is None and busy and busy[-1].start >= begun:
            busy.pop()
        busy.append(Busy(begun, ended, culprit, task))
        request.tell("busy")
        whose = culprit if task is None else f"{culprit} of {request.title}"
        for other in self._open_requests():
            if other is not request and other.response_sent is None:
                since = max(begun, other.request_start)
                other.timeline.busy.append(Busy(since, ended, whose))
                other.tell("busy")

    # Settling ----------------------------------------------------------------------------------

    def group(self) -> Group:
        """Return a new collection whose members count as open while they are in it."""
        group: Group = {}
        self._groups.append(group)
        return group

    def ungroup(self, group: Group) -> None:
        """Let a collection go, and whatever is in it."""
        self._groups = [one for one in self._groups if one is not group]
        self.left()

    def left(self) -> None:
        """Take note that something has ended: wake who waited for the last one."""
        for ready, wake in list(self.waited_for):
            if ready():
                wake()

    @property
    def open(self) -> list[Open]:
        """The tasks that have not ended, and the requests that have not and are still kept."""
        tasks: list[Open] = [thing for group in self._groups for thing in list(group)]
        return [*self._open_requests(), *tasks]

    def _open_requests(self) -> list[Marks]:
        return [request for request in list(self._kept) if request.request_end is None]

    def _is_settled(self) -> bool:
        return self.begun == self.ended and not any(self._groups)

    async def settled(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Return when every request is answered and every task has ended.

        `timeout` is in seconds; None waits as long as it takes. Raises TimeoutError, naming what
        is still open.
        """
        with anyio.move_on_after(timeout):
            await self.until(self._is_settled)
            return
        raise TimeoutError(self._still_open(timeout))

    def wait_settled(self, timeout: float | None = None) -> None:
        """Do what `settled` does, for code that is not async, in a thread of its own.

        Raises TimeoutError as `settled` does.
        """
        changed = ThreadEvent()
        with self._waking(self._is_settled, changed.set):
            if not self._is_settled() and not changed.wait(timeout):
                raise TimeoutError(self._still_open(timeout))

    async def until(self, ready: Callable[[], bool]) -> None:
        """Return when `ready` is true, looking whenever something has ended."""
        backend = current_backend()
        changed = anyio.Event()

        def wake() -> None:
            # The waiter's loop may have closed under it; whatever has ended here goes on.
            with suppress(RuntimeError):
                backend.call_soon(changed.set)

        with self._waking(ready, wake):
            if not ready():
                await changed.wait()

    @contextmanager
    def _waking(self, ready: Callable[[], bool], wake: Callable[[], object]) -> Iterator[None]:
        waiter = (ready, wake)
        self.waited_for.append(waiter)
        try:
            yield
        finally:
            self.waited_for.remove(waiter)

    def _still_open(self, timeout: float | None) -> str:
        names = [thing.title for thing in self.open]
        others = self.begun - self.ended - len(self._open_requests())
        if others > 0:
            names.append(f"{others} more, not kept")
        return f"still open after {timeout} s: {', '.join(names)}"
