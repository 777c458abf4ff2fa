"""The marks of a request, and the timeline that is made of them when somebody looks."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from starlette.types import Send

from .timeline import TaskRecord, Timeline

if TYPE_CHECKING:
    from .recorder import EventKind, Recorder
    from .runtime import Runtime

_showing = Lock()


class Marks:
    """What the recorder keeps of one request.

    Every request of the app pays for this, with tasks or without, so marks are attributes and no
    more. From the moment that its timeline is `shown`, each is copied there as it is taken.
    """

    # No __init__, which would double the price of making one. The layer sets what every request
    # has, `Phases.enter()` what only those have that use `Tasks`: until then `passed` is None.
    __slots__ = (
        "endpoint_end",
        "endpoint_start",
        "error",
        "id",
        "method",
        "passed",
        "path",
        "recorder",
        "request_end",
        "request_start",
        "response_sent",
        "response_start",
        "route",
        "runtime",
        "server_send",
        "shown",
        "status",
        "tasks",
        "trailers",
    )

    kind: ClassVar[Literal["http", "websocket"]]
    dropped: ClassVar[bool] = False  # a request is the server's, never ours to give up

    id: int
    method: str
    path: str
    recorder: Recorder
    runtime: Runtime
    server_send: Send
    shown: Timeline | None
    request_start: int
    request_end: int | None
    # With the response's start:
    response_start: int | None
    status: int | None
    trailers: bool
    response_sent: int | None
    # With the request's end:
    route: Any
    # With the first use of `Tasks`:
    passed: int | None
    endpoint_start: int | None
    endpoint_end: int | None
    error: str | None
    tasks: list[TaskRecord] | None

    @property
    def title(self) -> str:
        """The request in words, for logs."""
        return f"{self.method} {self.path} #{self.id}"

    @property
    def timeline(self) -> Timeline:
        """What has happened so far; what happens from now on is added to it."""
        if self.shown is None:
            # One for all who look, whichever threads they are in.
            with _showing:
                if self.shown is None:
                    self.shown = self._copied(self._fresh())
            # What was marked meanwhile.
            self._copied(self.shown)
        return self.shown

    def tell(self, kind: EventKind, task: TaskRecord | None = None) -> None:
        """Bring the timeline up to date, and tell the recorder's subscribers what happened."""
        timeline = self._copied(self.timeline)
        if self.recorder.listeners:
            self.recorder.tell(kind, timeline, task)

    def first_step_over(self) -> None:
        """Take note that the request's first step is over."""
        now = self.recorder.clock()
        if now - self.request_start > self.recorder.busy_limit:
            self.held_loop(self.request_start, now)

    def held_loop(self, begun: int, ended: int) -> None:
        """Record that one step of this request held the event loop."""
        self.recorder.held_loop(self, begun, ended, self.title)

    def _fresh(self) -> Timeline:
        recorder, start = self.recorder, self.request_start
        # Two clocks read for every request would cost more than all that is done with them.
        wall = recorder.wall() - (recorder.clock() - start)
        process = recorder.process
        return Timeline(self.id, self.kind, self.method, self.path, wall, start, process=process)

    def _copied(self, timeline: Timeline) -> Timeline:
        if self.passed is not None:
            timeline.endpoint_start = self.endpoint_start
            timeline.endpoint_end = self.endpoint_end
            timeline.error = self.error
            if self.tasks is not None:
                timeline.tasks = self.tasks
        if self.response_start is not None:
            timeline.response_start = self.response_start
            timeline.status = self.status
        timeline.response_sent = self.response_sent
        if self.request_end is not None:
            timeline.request_end = self.request_end
            timeline.route = getattr(self.route, "path", None)
            timeline.aborted = self.response_sent is None
        return timeline
