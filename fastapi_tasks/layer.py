"""The ASGI layers that see the moments of a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .config import TaskConfig
from .phases import Phases
from .recorder import Recorder
from .runtime import Limits, Runtime
from .scheduler import SCOPE_KEY
from .steps import watched


class OuterLayer:
    """Around everything: only here does the server's own `send` tell when a response was sent.

    It hosts the tasks in the lifespan as well, so that they end before the app's own resources.
    """

    def __init__(
        self, app: ASGIApp, recorder: Recorder, config: TaskConfig, limits: Limits
    ) -> None:
        self.app = app
        self._recorder = recorder
        self._config = config
        self._limits = limits
        self._runtime: Runtime | None = None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        kind = scope["type"]
        if kind == "lifespan":
            return self._lifespan(scope, receive, send)
        if SCOPE_KEY in scope or kind not in ("http", "websocket"):
            # In a mounted app: the layer outside sees the same request, and more of it.
            return self.app(scope, receive, send)
        recorder = self._recorder
        http = kind == "http"
        timeline = recorder.begin(kind, scope["method"] if http else "WS", scope["path"])
        phases = scope[SCOPE_KEY] = Phases(self._runtime, recorder, timeline, scope, send)
        if http:
            app: Any = self.app(scope, receive, phases.send)
        else:
            app = self.app(scope, *_websocket_ends(phases, receive, send))
        if not recorder.enabled:
            return _unwatched(app, phases.close)
        recorder.requests[phases] = timeline
        if recorder.listeners:
            phases.tell("request_start")
        return watched(app, phases, recorder.clock, recorder.busy_limit, phases.close)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        runtime = Runtime(self._recorder, self._config, self._limits)

        async def drained_receive() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await runtime.drain()
            return message

        async def tracing_send(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                runtime.trace()
            await send(message)

        async with runtime.running():
            self._runtime = runtime
            try:
                await self.app(scope, drained_receive, tracing_send)
            finally:
                self._runtime = None


class InnerLayer:
    """Inside all user middlewares: here the response starts before any of them can delay it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        phases = scope.get(SCOPE_KEY)
        if scope["type"] != "http" or not isinstance(phases, Phases):
            return self.app(scope, receive, send)

        def releasing_send(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                phases.route_passes()
            return send(message)

        app: Any = self.app(scope, receive, releasing_send)
        # A middleware may run the app in a task of its own, whose steps the outer layer misses.
        recorder = phases.recorder
        if recorder.enabled:
            app = watched(app, phases, recorder.clock, recorder.busy_limit)
        return app  # type: ignore[no-any-return]


async def _unwatched(app: Awaitable[None], over: Callable[[], None]) -> None:
    try:
        await app
    finally:
        over()


def _websocket_ends(phases: Phases, receive: Receive, send: Send) -> tuple[Receive, Send]:
    """Watch a connection for its opening and for whichever end closes it first."""

    async def watched_receive() -> Message:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            phases.connection_closed()
        return message

    async def watched_send(message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            phases.connection_opens(None)
        elif kind == "websocket.http.response.start":
            phases.connection_opens(message["status"])
        await send(message)
        if kind == "websocket.close":
            phases.connection_closed()

    return watched_receive, watched_send
