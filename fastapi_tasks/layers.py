"""The ASGI layers that see the moments of a request.

`ErrorLayer` is the outermost: only there does the server's own `send` tell when a response was
sent. It is Starlette's error middleware, since monitoring tools look for that in its place; some
take it apart, or put back a stack from before it was there. The router is in every stack, so a
`Layer` in it then stands in, and at its first call puts another around what they made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from copy import copy
from types import FunctionType
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.middleware import errors
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .host import Host
from .keeper import Keeper
from .request import SCOPE_KEY, Request, request_of
from .websocket import Connection


class Entering(Protocol):
    """What watches an app's requests."""

    def enter(self, request: Request) -> Any:
        """Record all that runs here from now on as part of this request; return what ends that."""

    def leave(self, request: Request, scope: Scope, entered: Any) -> None:
        """Take note that the app is done with a request that was entered."""


class Watching(Protocol):
    """What watches the app."""

    def start(self) -> None:
        """Put all hooks in place, once the app has started; where it is not watched, none."""

    def own_loop(self) -> AbstractContextManager[Callable[[], None]]:
        """Look at the loop from the call of what this gives until its end."""

    def lifespan(self) -> AbstractContextManager[None]:
        """Record what the app starts in its lifespan, which is up while this is open."""

    @property
    def watcher(self) -> Entering:
        """What watches the app once it does."""


Answering = Callable[[Exception, Request, Scope], Awaitable[None]]
"""Answers an error that has left an HTTP request, and raises it again."""


class Opening:
    """Opens a request, lets the app answer it, and ends it; `host` gives its tasks a place."""

    def __init__(self, keeper: Keeper, watch: Watching, host: Host | None = None) -> None:
        self._keeper = keeper
        self._host = host
        self._watch = watch

    def is_done(self, request: Request) -> bool:
        """Tell whether a layer outside sees this request, and more of it."""
        if request.host is not None or self._host is None:
            return True
        if request.keeper is self._keeper:
            # One recorder, for this app and one around it that gives tasks no place.
            request.host = self._host
        return request.host is not None

    async def pass_on(
        self,
        app: ASGIApp,
        scope: Scope,
        receive: Receive,
        send: Send,
        answering: Answering | None = None,
    ) -> None:
        """Let `app` answer, and record what passes between it and the server.

        By default nobody answers an error that leaves it.
        """
        kind = scope["type"]
        if kind == "http":
            request = Request(self._keeper, self._host, scope, receive, send)
        elif kind == "websocket":
            request = Connection(self._keeper, self._host, scope, receive, send)
        else:
            await self._others(app, scope, receive, send)
            return
        scope[SCOPE_KEY] = request
        entered = self._watch.watcher.enter(request) if self._keeper.watching else None
        try:
            request.app = call = app(scope, request.receive, request.send)
            rest = request.first_step(call)
            if rest is not None:
                await rest
        except Exception as error:
            if answering is None or kind != "http":
                raise
            rest = request.first_step(answering(error, request, scope))
            if rest is not None:
                await rest
        finally:
            if entered is not None:
                self._watch.watcher.leave(request, scope, entered)
            request.end(scope)

    async def _others(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        host = self._host
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
        elif host is None:
            with self._watch.own_loop() as look, self._watch.lifespan():
                await app(scope, receive, self._starting(send, look))
        elif host.is_up_by_messages():
            await app(scope, receive, send)
        else:
            async with host.up_by_messages(scope) as runtime:
                draining = _draining(receive, runtime.drain)
                with self._watch.lifespan():
                    await app(scope, draining, self._starting(send, runtime.started))

    def _starting(self, send: Send, started: Callable[[], None]) -> Send:
        async def telling_send(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                started()
                self._watch.start()
            await send(message)

        return telling_send


def _draining(receive: Receive, drain: Callable[[], Awaitable[None]]) -> Receive:
    async def draining_receive() -> Message:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await drain()
        return message

    return draining_receive


class ErrorLayer(ServerErrorMiddleware):
    """Starlette's error middleware, and around it what opens requests."""

    def __init__(self, own: ServerErrorMiddleware, opening: Opening) -> None:
        # Not by the other's own way: tools count how many of these are made.
        vars(self).update(vars(own))
        self._opening = opening

    # This and the next are no coroutines themselves: each request would pay 0.004 for one.
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        if SCOPE_KEY in scope and self._opening.is_done(scope[SCOPE_KEY]):
            return super().__call__(scope, receive, send)
        if ServerErrorMiddleware.__call__ is not _OWN_CALL:
            # A tool has put its own in that place.
            return self._opening.pass_on(super().__call__, scope, receive, send)
        # Starlette's comes in only where there is an error: a request without one saves 0.02.
        return self._opening.pass_on(self.app, scope, receive, send, self._answer)

    async def _answer(self, error: Exception, request: Request, scope: Scope) -> None:
        """Answer as Starlette's own does when its app fails with this error."""
        begun = request.timeline.response_start is not None

        async def failing(_: Scope, __: Receive, send: Send) -> None:
            if begun:
                # So it knows that nothing can be sent any more.
                await send({"type": "http.response.start"})
            raise error

        again = copy(self)
        again.app = failing
        send = _nowhere if begun else request.send
        await ServerErrorMiddleware.__call__(again, scope, request.receive, send)


async def _nowhere(message: Message) -> None:
    pass


def _own_call() -> Any:
    """Return the call of Starlette's error middleware; None where a tool has replaced it."""
    call: Any = ServerErrorMiddleware.__call__
    # What stands for a function may show its attributes, and a function those of another.
    is_own = type(call) is FunctionType and call.__globals__["__name__"] == errors.__name__
    return call if is_own else None


_OWN_CALL = _own_call()

# Monitoring tools name a middleware by its class, in what they report.
ErrorLayer.__name__ = ErrorLayer.__qualname__ = ServerErrorMiddleware.__name__
ErrorLayer.__module__ = ServerErrorMiddleware.__module__


class Layer:
    """Opens requests where no layer outside has done so."""

    def __init__(self, app: ASGIApp, opening: Opening, owner: Starlette | None = None) -> None:
        self.app = app
        self._opening = opening
        self._owner = owner

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if SCOPE_KEY in scope and self._opening.is_done(scope[SCOPE_KEY]):
            return self.app(scope, receive, send)
        self._come_outside()
        return self._opening.pass_on(self.app, scope, receive, send)

    def _come_outside(self) -> None:
        """From the next call on be outermost: here nobody sees how errors are answered."""
        if self._owner is None or self._owner.middleware_stack is None:
            return
        stack = self._owner.middleware_stack
        if not isinstance(stack, (ErrorLayer, Layer)):
            self._owner.middleware_stack = Layer(stack, self._opening)


class InnerLayer:
    """Inside all user middlewares: here the response starts before any of them can delay it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope)
        if request is None or request.kind != "http":
            await self.app(scope, receive, send)
            return

        async def releasing_send(message: Message) -> None:
            if message["type"] == "http.response.start" and request.waiting is not None:
                request.waiting.route_passes()
            await send(message)

        rest: Any = self.app(scope, receive, releasing_send)
        if not request.is_running:
            rest = request.first_step(rest)
        if rest is not None:
            await rest


def around(stack: ASGIApp, opening: Opening) -> ASGIApp:
    """Put a layer around an app's middlewares."""
    if type(stack) is ServerErrorMiddleware:
        return ErrorLayer(stack, opening)
    return Layer(stack, opening)
