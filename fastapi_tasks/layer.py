"""The ASGI layers that see the moments of a request."""

from __future__ import annotations

from typing import Any, NoReturn

from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .config import TaskConfig
from .recorder import Recorder
from .request import SCOPE_KEY, Connection, Request
from .runtime import Limits, Runtime
from .steps import OVER, rest, watched

KINDS: dict[str, type[Any]] = {"http": Request, "websocket": Connection}


class OuterLayer(ServerErrorMiddleware):
    """Around everything: only here does the server's own `send` tell when a response was sent.

    It hosts the tasks in the lifespan as well, so that they end before the app's own resources.
    It takes the place of Starlette's error middleware, and asks that for an answer when there is
    an error: so a request passes no more layers than it did without tasks.
    """

    def __init__(
        self, stack: ASGIApp, recorder: Recorder, config: TaskConfig, limits: Limits
    ) -> None:
        self._stack = stack
        self._answers_errors = type(stack) is ServerErrorMiddleware
        if type(stack) is ServerErrorMiddleware:
            super().__init__(stack.app, stack.handler, stack.debug)
        else:
            super().__init__(stack)
        self._recorder = recorder
        self._config = config
        self._limits = limits
        self._runtime: Runtime | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in KINDS or SCOPE_KEY in scope:
            await self._others(scope, receive, send)
            return
        # Written out rather than called, since every request of the app pays for it.
        recorder = self._recorder
        request = scope[SCOPE_KEY] = KINDS[kind]()
        request.recorder = recorder
        request.runtime = self._runtime
        request.server_send = send
        request.path = scope["path"]
        request.shown = request.passed = None
        request.response_start = request.response_sent = request.request_end = None
        if kind == "http":
            request.method = scope["method"]
        else:
            request.method = "WS"
            request.server_receive, receive = receive, request.receive
        request.request_start = recorder.clock()
        if recorder.enabled:
            request.id = recorder.begun = recorder.begun + 1
            recorder.kept.append(request)
            if recorder.listeners:
                request.tell("request_start")
        else:
            request.id = 0
        in_first_step = True
        try:
            # For most requests the first step is the last as well.
            steps: Any = self.app(scope, receive, request.send).__await__()
            awaited = next(steps, OVER)
            if awaited is not OVER:
                in_first_step = request.first_step_over()
                await rest(steps, awaited, request, recorder.clock, recorder.busy_limit)
        except Exception as error:
            if not self._answers_errors or kind != "http":
                raise
            in_first_step = in_first_step and request.first_step_over()
            await self._answer(error, scope, receive, request)
        finally:
            request.close(scope)
            if in_first_step and request.request_end - request.request_start > recorder.busy_limit:
                request.held_loop(request.request_start, request.request_end)

    async def _answer(
        self, error: Exception, scope: Scope, receive: Receive, request: Request
    ) -> NoReturn:
        """Let Starlette's error middleware see the error as if it had been around the app."""
        late = request.response_start is not None

        async def failed(_: Scope, __: Receive, send: Send) -> None:
            if late:
                await send({"type": "http.response.start"})
            raise error

        errors = ServerErrorMiddleware(failed, self.handler, self.debug)
        answering = errors(scope, receive, _unheard if late else request.send)
        recorder = self._recorder
        await watched(answering, request, recorder.clock, recorder.busy_limit)
        raise error

    async def _others(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            # In a mounted app: the layer outside sees the same request, and more of it.
            await self._stack(scope, receive, send)

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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = scope.get(SCOPE_KEY)
        if type(request) is not Request:
            await self.app(scope, receive, send)
            return

        async def releasing_send(message: Message) -> None:
            if message["type"] == "http.response.start" and request.passed is not None:
                request.route_passes()
            await send(message)

        app: Any = self.app(scope, receive, releasing_send)
        # A middleware may run the app in a task of its own, whose steps the outer layer misses.
        recorder = request.recorder
        await watched(app, request, recorder.clock, recorder.busy_limit)


async def _unheard(message: Message) -> None: ...
