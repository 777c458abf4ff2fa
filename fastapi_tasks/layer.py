"""The ASGI layers that see the moments of a request."""

from __future__ import annotations

from typing import Any, NoReturn

from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .config import TaskConfig
from .recorder import Recorder
from .request import SCOPE_KEY, Connection, Request, too_late
from .runtime import Limits, Runtime
from .steps import OVER, rest, watched


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
        self._runtime: Any = None  # a Runtime, while the lifespan runs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or SCOPE_KEY in scope:
            await self._others(scope, receive, send)
            return
        # What open() and close() of a connection do, written out, since every request pays for it.
        recorder = self._recorder
        request = scope[SCOPE_KEY] = Request()
        request.recorder = recorder
        request.runtime = self._runtime
        request.server_send = send
        request.method = scope["method"]
        request.path = scope["path"]
        request.shown = request.passed = None
        request.response_start = request.response_sent = request.request_end = None
        begun = request.request_start = recorder.clock()
        request.id = recorder.begun = recorder.begun + 1
        recorder.keep(request)
        if recorder.listeners and request.id:
            request.tell("request_start")
        awaited: Any = OVER
        try:
            # For most requests the first step is the last as well.
            steps: Any = self.app(scope, receive, request.send).__await__()
            awaited = next(steps, OVER)
            if awaited is not OVER:
                request.first_step_over()
                await rest(steps, awaited, request, recorder.clock, recorder.busy_limit)
        except Exception as error:
            if not self._answers_errors:
                raise
            if awaited is OVER:
                request.first_step_over()
                awaited = None
            await self._answer(error, scope, receive, request)
        finally:
            request.server_send = too_late
            try:
                request.route = scope["route"]
            except KeyError:  # no route fits
                request.route = None
            ended = request.request_end = recorder.clock()
            if request.passed is not None or request.shown is not None:
                request.end()
            recorder.ended += 1
            if recorder.waited_for:
                recorder.left()
            if awaited is OVER and ended - begun > recorder.busy_limit:
                request.held_loop(begun, ended)

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
        elif scope["type"] == "websocket" and SCOPE_KEY not in scope:
            await self._connection(scope, receive, send)
        else:
            # In a mounted app: the layer outside sees the same request, and more of it.
            await self._stack(scope, receive, send)

    async def _connection(self, scope: Scope, receive: Receive, send: Send) -> None:
        recorder = self._recorder
        connection = scope[SCOPE_KEY] = Connection()
        connection.recorder = recorder
        connection.runtime = self._runtime
        connection.open(scope, receive, send)
        app: Any = self.app(scope, connection.receive, connection.send)
        try:
            await watched(app, connection, recorder.clock, recorder.busy_limit)
        finally:
            connection.close(scope)

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
