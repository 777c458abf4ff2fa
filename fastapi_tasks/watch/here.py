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
from ..timeline import Span, SpanKind, TaskRecord, Timeline


class Watched(Protocol):
    """A request that is watched."""

    keeper: Keeper
    thread: int
    background: list[TaskRecord]

    @property
    def timeline(self) -> Timeline:
        """Its record."""


class Here:
    """The span or the task that new spans belong to."""

    __slots__ = ("request", "span", "task")

    def __init__(self, request: Watched, task: int | None = None, span: int | None = None) -> None:
        self.request = request
        self.task = task
        self.span = span


here: ContextVar[Here | None] = ContextVar("fastapi_tasks.here", default=None)
"""None where no watched request is under way."""


class Open:
    """A span that has begun; those that begin until its end are inside of it."""

    __slots__ = ("_before", "_keeper", "_timeline", "_token", "span")

    def __init__(self, before: Here, span: Span, token: Token[Here | None] | None) -> None:
        self._before = before
        self._token = token
        self.span = span
        self._keeper = before.request.keeper
        self._timeline = before.request.timeline

    def end(self, error: BaseException | None = None) -> None:
        """End the span; `error` is what left it."""
        span = self.span
        span.end = self._keeper.clock()
        if error is not None:
            span.error = type(error).__name__
        if self._token is not None:
            self.leave()
        if self._keeper.listeners:
            self._keeper.tell("span", self._timeline)

    def answered(self) -> None:
        """Note that the answer begins to leave the span now."""
        self.span.answered = self._keeper.clock()

    def leave(self) -> None:
        """Let what begins from now on stand beside the span, which goes on until its end."""
        token, self._token = self._token, None
        if token is not None:
            try:
                here.reset(token)
            except ValueError:
                # Begun in another context, as a generator's set-up may be.
                here.set(self._before)


def begin(name: str, kind: SpanKind, attributes: dict[str, str] | None = None) -> Open | None:
    """Begin a span that others may be inside of; None where nothing is watched."""
    before = here.get()
    if before is None:
        return None
    span = _add(before, name, kind, attributes)
    token = here.set(Here(before.request, before.task, span.id))
    return Open(before, span, token)


def leaf(name: str, kind: SpanKind, attributes: dict[str, str] | None = None) -> Open | None:
    """Begin a span that nothing is inside of, at a lower price; None where nothing is watched."""
    before = here.get()
    return None if before is None else leaf_of(before, name, kind, attributes)


def leaf_of(
    place: Here, name: str, kind: SpanKind, attributes: dict[str, str] | None = None
) -> Open:
    """Begin a span that nothing is inside of, as part of `place`, wherever the code is."""
    return Open(place, _add(place, name, kind, attributes), None)


def past(
    place: Here, name: str, kind: SpanKind, start: int, error: BaseException | None = None
) -> None:
    """Record a span that began at `start` and ends now."""
    opened = leaf_of(place, name, kind)
    opened.span.start = start
    opened.end(error)


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


def _add(before: Here, name: str, kind: SpanKind, attributes: dict[str, str] | None) -> Span:
    keeper, timeline = before.request.keeper, before.request.timeline
    span = Span(name, kind, keeper.clock(), None, before.task, before.span, None, attributes or {})
    keeper.add_span(timeline, span)
    return span
