"""Middlewares: how long each has the request, what is inside of it included."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..callables import display_name
from .here import Here, Open, begin, here, past
from .hook import tried

FIRST_PART = "first part"
_MARK = "watched_by_fastapi_tasks"

NOTICED = 5_000_000
"""Nanoseconds from the beginning of an answer to the first of its body that are worth a span: only
what streams takes longer."""


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


class BodySpan:
    """Inside of all middlewares: records how long the first of an answer's body takes to come.

    What streams has begun to answer long before. A middleware such as gzip must wait for it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        place = here.get() if scope["type"] == "http" else None
        await self.app(scope, receive, send if place is None else _awaiting_body(place, send))


def _awaiting_body(place: Here, send: Send) -> Send:
    clock = place.request.keeper.clock
    begun: int | None = None

    async def begin_answer(message: Message) -> None:
        nonlocal begun
        await send(message)
        # Not before: while others keep its beginning, the app could send no more.
        begun = clock()

    def passing_on(message: Message) -> Awaitable[None]:
        nonlocal begun
        if message["type"] == "http.response.start":
            return begin_answer(message)
        if begun is not None:
            if clock() - begun >= NOTICED:
                tried(_came, place, begun)
            begun = None
        return send(message)

    return passing_on


def _came(place: Here, begun: int) -> None:
    # Those of a mounted app and of the one around it wait for the same: the inner one knows.
    if not any(span.name == FIRST_PART for span in place.request.timeline.spans):
        past(place, FIRST_PART, "sending", begun)


def watch_mounted(app: Starlette) -> None:
    """Put a span around each middleware of a mounted app, once it puts them in place.

    One that has a recorder of its own has seen to that, as far as that one watches.
    """
    build = app.build_middleware_stack
    if (
        app.middleware_stack is not None
        or hasattr(app.state, "tasks_recorder")
        or hasattr(build, _MARK)  # mounted twice
    ):
        return

    def build_with_spans() -> ASGIApp:
        with with_spans(app.user_middleware):
            return build()

    setattr(build_with_spans, _MARK, True)
    app.build_middleware_stack = build_with_spans  # type: ignore[method-assign]


@contextmanager
def with_spans(middlewares: list[Middleware]) -> Iterator[None]:
    """Put a span around each middleware for the block, and inside of all what waits for a body."""
    ours: tuple[Any, ...] = (MiddlewareSpan, BodySpan)
    middlewares[:] = [made for one in middlewares for made in (_span_around(one), one)]
    if middlewares:
        middlewares.append(Middleware(BodySpan))
    try:
        yield
    finally:
        # What a tool has put in meanwhile stays.
        middlewares[:] = [one for one in middlewares if one.cls not in ours]


def _span_around(middleware: Middleware) -> Middleware:
    made: Any = middleware
    # `@app.middleware("http")` makes all of one class: the function tells them apart.
    function = made.kwargs.get("dispatch")
    return Middleware(MiddlewareSpan, name=display_name(function or made.cls))
