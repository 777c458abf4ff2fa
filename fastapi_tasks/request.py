"""One HTTP request on its way between the server and the app."""

from __future__ import annotations

from collections.abc import Awaitable
from threading import get_ident
from typing import Any, ClassVar, Literal, Protocol

from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from .keeper import Keeper
from .names import name_of
from .routes import route_path
from .steps import Beat, Owner
from .timeline import TaskRecord, Timeline, new_span, new_timeline
from .watch.here import Open, begin

SCOPE_KEY = "fastapi_tasks"


class Waiting(Protocol):
    """The tasks of a request that wait for its phases to pass."""

    def endpoint_fails(self, error: BaseException) -> None:
        """Take note of what left the endpoint."""

    def route_passes(self) -> None:
        """Take note that the endpoint and its function-scoped dependencies are over."""

    def response_passes(self) -> None:
        """Take note that the response has been sent, or never will be."""


class Host(Protocol):
    """Where the tasks of an app's requests live."""

    def enter(self, request: Request, scope: Scope) -> Any:
        """Give the tasks of a request a place. Raises an error where there is none."""


class Request(Owner):
    """What is transient about a request: the facts are in its timeline."""

    kind: ClassVar[Literal["http", "websocket"]] = "http"
    dropped = False

    # One of these is made for every request.
    __slots__ = (
        "_endpoint",
        "_gone",
        "_receive",
        "_send",
        "_trailers",
        "app",
        "background",
        "host",
        "keeper",
        "thread",
        "timeline",
        "waiting",
    )

    keeper: Keeper

    def __init__(
        self, keeper: Keeper, host: Host | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self.keeper = keeper
        self.host = host
        self._receive = receive
        self._send = send
        self.thread = get_ident()
        self.waiting: Any = None  # a Waiting, from the first use of `Tasks` on
        self.app: Any = None
        self.background: Any = None  # a list of those, where the app is watched
        self._endpoint: Open | None = None
        self._gone = self._trailers = False
        self.timeline = new_timeline(
            0,
            self.kind,
            scope.get("method", "WS"),
            scope["path"],
            keeper.wall(),
            keeper.clock(),
            keeper.process,
        )
        keeper.begin(self, scope)

    # Its steps ---------------------------------------------------------------------------------

    @property
    def beat(self) -> Beat | None:
        """What is told of each step; None where nobody watches the loop from outside."""
        return self.keeper.loops.beat_of(self.thread)

    @property
    def is_running(self) -> bool:
        """Whether a step of the app as a whole is under way: then it is watched already."""
        return getattr(self.app, "cr_running", False)

    def held_loop(self, begun: int, ended: int) -> None:
        """Record that one step of this request held the event loop."""
        self.keeper.loops.by_step(self, begun, ended, self._background_of(begun, ended))

    def _background_of(self, begun: int, ended: int) -> TaskRecord | None:
        """Return the task of Starlette's that took most of a step, which may have ended in it."""
        records: list[TaskRecord] = self.background or []
        for record in records:
            if record.started is not None:
                over = ended if record.finished is None else record.finished
                if min(over, ended) - max(record.started, begun) > (ended - begun) / 2:
                    return record
        return None

    # What passes through -----------------------------------------------------------------------

    async def receive(self) -> Message:
        """Take a message from the server; it may say that the client has left."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._gone = True
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Pass a message on to the server, and mark the response's start and its end."""
        # No coroutine around the server's own, but for the last: each message would pay for one.
        kind = message["type"]
        if kind == "http.response.start":
            if self.waiting is not None:
                self.waiting.route_passes()
            if "trailers" in message:
                self._trailers = message["trailers"]
            timeline, keeper = self.timeline, self.keeper
            timeline.status = message["status"]
            timeline.response_start = keeper.clock()
            if keeper.listeners:
                self.tell("response_start")
        elif kind == "http.response.body":
            if not (message.get("more_body") or self._trailers):
                return self._send_last(message)
        elif self._is_last(kind, message):
            return self._send_last(message)
        return self._send(message)

    async def _send_last(self, message: Message) -> None:
        # From here on a disconnect is the server's way to say that the response is over.
        gone = self._gone
        await self._send(message)
        timeline, keeper = self.timeline, self.keeper
        now = keeper.clock()
        if timeline.response_sent is None and not gone:
            timeline.response_sent = now
            if keeper.listeners:
                self.tell("response_sent")
        if keeper.watching:
            self._record_sending(now)
        if self.waiting is not None:
            self._response_passes()

    def _response_passes(self) -> None:
        # They hold each other, which would keep both for the garbage collector.
        waiting, self.waiting = self.waiting, None
        waiting.response_passes()

    def _record_sending(self, sent: int) -> None:
        start = self.timeline.response_start
        if start is not None:
            sending = new_span("response", "sending", start, sent, None, None)
            self.keeper.add_span(self.timeline, sending)

    def _is_last(self, kind: str, message: Message) -> bool:
        # The extensions of the ASGI specification's "HTTP & WebSocket" page.
        if kind == "http.response.zerocopysend":
            return not (message.get("more_body") or self._trailers)
        if kind == "http.response.trailers":
            return not message.get("more_trailers", False)
        return kind == "http.response.pathsend" and not self._trailers

    def end(self, scope: Scope) -> None:
        """Take note that the app is done with the request, and let pass what has not passed."""
        # The scope holds this object, and the server's `send` holds the scope: let go, all are
        # freed without the garbage collector.
        self._send = too_late
        self._receive = nobody_there
        self.app = None
        timeline, keeper = self.timeline, self.keeper
        timeline.route = route_path(scope)
        if timeline.response_sent is None:
            timeline.aborted = True
        timeline.request_end = keeper.clock()
        if self.waiting is not None:
            self.waiting.route_passes()
        if keeper.listeners:
            self.tell("request_end")
        if self.waiting is not None:
            self._response_passes()
        keeper.end(self)

    # The endpoint; from any thread --------------------------------------------------------------

    def endpoint_begins(self, name: str) -> None:
        """Take note that the endpoint's first line is about to run."""
        keeper = self.keeper
        now = self.timeline.endpoint_start = keeper.clock()
        if keeper.listeners:
            self.tell("endpoint_start")
        if keeper.watching:
            self._endpoint = begin(name, "endpoint", None, now)

    def endpoint_ends(self, error: BaseException | None = None) -> None:
        """Take note that the endpoint has returned, or failed."""
        keeper = self.keeper
        now = self.timeline.endpoint_end = keeper.clock()
        if self._endpoint is not None:
            # It holds this object, which is freed without the garbage collector only if not the
            # other way round as well.
            opened, self._endpoint = self._endpoint, None
            opened.end(error, now)
        if keeper.listeners:
            self.tell("endpoint_end")

    def endpoint_fails(self, error: BaseException) -> None:
        """Take note of what left the endpoint."""
        self.endpoint_ends(error)
        if self.waiting is None:
            self.timeline.error = name_of(type(error))
        else:
            self.waiting.endpoint_fails(error)

    # What is recorded --------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """The request in words, for logs."""
        return self.timeline.title

    def tell(self, kind: str, task: TaskRecord | None = None) -> None:
        """Tell the recorder's subscribers what happened; look at `keeper.listeners` first."""
        self.keeper.tell(kind, self.timeline, task)

    def mark(self, moment: str) -> None:
        """Take a moment of the timeline, now; from any thread."""
        setattr(self.timeline, moment, self.keeper.clock())
        if self.keeper.listeners:
            self.tell(moment)


async def nobody_there() -> Message:
    """Stand in for the `receive` of a server that has ended the request; servers say the same."""
    return {"type": "http.disconnect"}


async def too_late(message: Message) -> None:
    """Stand in for the `send` of a server that has ended the request."""
    raise RuntimeError(
        f"{message['type']} was sent after the app had returned, so no server takes part: "
        "end whatever sends before the app does"
    )


def request_of(scope: Scope) -> Request | None:
    """Return the request that this scope belongs to, None where none is recorded."""
    return scope.get(SCOPE_KEY)


def timeline_of(connection: HTTPConnection | Scope) -> Timeline | None:
    """Return the timeline of the request that is under way, None where none is recorded.

    `connection` is Starlette's `Request` or `WebSocket`, or an ASGI scope.
    """
    request = request_of(connection.scope if isinstance(connection, HTTPConnection) else connection)
    return None if request is None else request.timeline
