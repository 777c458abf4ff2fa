"""Where in a request the running code is: what hooks ask, and where they put their spans.

Hooks are process-wide. Where nothing is watched they must do no more than read one context
variable: `begin()` and `leaf()` return None then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Protocol

from ..keeper import Keeper
from ..names import name_of
from ..timeline import Span, SpanKind, TaskRecord, Timeline, new_span


class Watched(Protocol):
    """A request that is watched."""

    keeper: Keeper
    thread: int
    background: list[TaskRecord]

    @property
    def timeline(self) -> Timeline:
        """Its record."""


class Here:
    """The place of what runs: the request, its task, and the span that new spans are inside of."""

    __slots__ = ("parent", "request", "task")

    def __init__(
        self, request: Watched, task: int | None = None, parent: int | None = None
    ) -> None:
        self.request = request
        self.task = task
        self.parent = parent


here: ContextVar[Here | None] = ContextVar("fastapi_tasks.here", default=None)
"""None where no watched request is under way."""


class Open(Here):
    """A span that has begun, and the place of those that begin until its end."""

    __slots__ = ("_token", "span")

    def __init__(self, before: Here, span: Span) -> None:
        self.request = before.request
        self.task = before.task
        self.parent = span.id
        self.span = span
        self._token: Token[Here | None] | None = None

    def enter(self) -> None:
        """Let what begins from now on be inside of the span."""
        self._token = here.set(self)

    def end(self, error: BaseException | None = None, at: int | None = None) -> None:
        """End the span, `at` that moment or now; `error` is what left it."""
        request, span = self.request, self.span
        span.end = request.keeper.clock() if at is None else at
        if error is not None:
            span.error = name_of(type(error))
        if self._token is not None:
            self.leave()
        if request.keeper.listeners:
            request.keeper.tell("span", request.timeline)

    def answered(self) -> None:
        """Note that the answer begins to leave the span now."""
        self.span.answered = self.request.keeper.clock()

    def leave(self) -> None:
        """Let what begins from now on stand beside the span, which goes on until its end."""
        token, self._token = self._token, None
        if token is not None:
            try:
                here.reset(token)
            except ValueError:
                # Begun in another context, as a generator's set-up may be.
                here.set(token.old_value)


def begin(
    name: str, kind: SpanKind, attributes: dict[str, str] | None = None, at: int | None = None
) -> Open | None:
    """Begin a span that others may be inside of, `at` that moment or now.

    None where nothing is watched.
    """
    place = here.get()
    if place is None:
        return None
    opened = leaf_of(place, name, kind, attributes, at)
    opened.enter()
    return opened


def leaf(name: str, kind: SpanKind, attributes: dict[str, str] | None = None) -> Open | None:
    """Begin a span that nothing is inside of, at a lower price; None where nothing is watched."""
    place = here.get()
    return None if place is None else leaf_of(place, name, kind, attributes)


def leaf_of(
    place: Here,
    name: str,
    kind: SpanKind,
    attributes: dict[str, str] | None = None,
    at: int | None = None,
) -> Open:
    """Begin a span that nothing is inside of, as part of `place`, wherever the code is."""
    request = place.request
    keeper = request.keeper
    start = keeper.clock() if at is None else at
    span = new_span(name, kind, start, None, place.task, place.parent)
    if attributes:
        span.attributes = attributes
    keeper.add_span(request.timeline, span)
    return Open(place, span)


def past(
    place: Here, name: str, kind: SpanKind, start: int, error: BaseException | None = None
) -> None:
    """Record a span that began at `start` and ends now."""
    request = place.request
    keeper = request.keeper
    span = new_span(name, kind, start, keeper.clock(), place.task, place.parent)
    if error is not None:
        span.error = name_of(type(error))
    keeper.add_span(request.timeline, span)
    if keeper.listeners:
        keeper.tell("span", request.timeline)


@contextmanager
def spanning(name: str, kind: SpanKind) -> Iterator[None]:
    """Record the block as a span, if it is part of a watched request."""
    opened = begin(name, kind)
    if opened is None:
        yield
        return
    try:
        yield
    except BaseException as error:
        opened.end(error)
        raise
    opened.end()
