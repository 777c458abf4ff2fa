"""Middlewares: how long each has the request, those inside of it included."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..callables import display_name
from .here import Open, begin
from .hook import tried


class MiddlewareSpan:
    """Around one middleware: records its time as a span, and when it passed the answer on."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self.app = app
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # In a lifespan each would last as long as the app does.
        opened = None if scope["type"] == "lifespan" else tried(begin, self._name, "middleware")
        if opened is None:
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, _noting(opened, send))
        except BaseException as error:
            tried(opened.end, error)
            raise
        tried(opened.end)


def _noting(opened: Open, send: Send) -> Send:
    # No coroutine function: each message would pay for one more, at every middleware.
    def passing_on(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            tried(opened.answered)
        return send(message)

    return passing_on


def with_spans(middlewares: list[Middleware]) -> list[Middleware]:
    """Return these middlewares with a span around each."""
    return [one for middleware in middlewares for one in (_span_around(middleware), middleware)]


def _span_around(middleware: Middleware) -> Middleware:
    made: Any = middleware
    # `@app.middleware("http")` makes all of one class: the function tells them apart.
    function = made.kwargs.get("dispatch")
    return Middleware(MiddlewareSpan, name=display_name(function or made.cls))
