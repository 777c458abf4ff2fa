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

    # No __init__, which would double the price of making one: `begin()` sets what is listed here.
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
        "waiting",
        "wall_offset",
    )

    kind: ClassVar[Literal["http", "websocket"]]
    dropped: ClassVar[bool] = False  # a request is the server's, never ours to give up

    recorder: Recorder
    runtime: Runtime
    tasks: list[TaskRecord] | None
    shown: Timeline | None
    endpoint_start: int | None
    endpoint_end: int | None
    response_sent: int | None
    request_end: int | None
    error: str | None
    trailers: bool | None

    def begin(
        self, recorder: Recorder, runtime: Any, method: str, path: str, server_send: Send
    ) -> None:
        """Take the first mark; be counted and kept if recording is on."""
        self.shown = self.passed = self.waiting = self.tasks = self.trailers = None
        self.endpoint_start = self.endpoint_end = self.response_start = self.response_sent = None
        self.request_end = self.status = self.error = self.route = None
        self.recorder = recorder
        # None while no lifespan runs: then `Tasks` lets nobody through to use it.
        self.runtime = runtime
        self.server_send = server_send
        self.method = method
        self.path = path
        self.request_start = start = recorder.clock()
        if start >= recorder.wall_due:
            recorder.read_wall(start)
        self.wall_offset = recorder.wall_offset
        if recorder.enabled:
            self.id = recorder.begun = recorder.begun + 1
            recorder.kept.append(self)
            if recorder.listeners:
                self.tell("request_start")
        else:
            self.id = 0

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

    def show(self) -> None:
        """Keep the timeline up to date from now on."""
        self._copied(self.timeline)

    def tell(self, kind: EventKind, task: TaskRecord | None = None) -> None:
        """Bring the timeline up to date, and tell the recorder's subscribers what happened."""
        timeline = self._copied(self.timeline)
        if self.recorder.listeners:
            self.recorder.tell(kind, timeline, task)

    def held_loop(self, begun: int, ended: int) -> None:
        """Record that one step of this request held the event loop."""
        self.recorder.held_loop(self, begun, ended, self.title)

    def _fresh(self) -> Timeline:
        wall = self.request_start + self.wall_offset
        return Timeline(
            self.id,
            self.kind,
            self.method,
            self.path,
            wall,
            self.request_start,
            process=self.recorder.process,
        )

    def _copied(self, timeline: Timeline) -> Timeline:
        timeline.endpoint_start = self.endpoint_start
        timeline.endpoint_end = self.endpoint_end
        timeline.response_start = self.response_start
        timeline.response_sent = self.response_sent
        timeline.request_end = self.request_end
        timeline.status = self.status
        timeline.error = self.error
        timeline.aborted = self.request_end is not None and self.response_sent is None
        timeline.route = getattr(self.route, "path", None)
        if self.tasks is not None:
            timeline.tasks = self.tasks
        return timeline
