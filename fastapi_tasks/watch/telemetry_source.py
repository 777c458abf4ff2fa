"""The spans of the app's own OpenTelemetry SDK that nobody else drew.

A processor of ours stands beside the app's. It places a span by the code that starts it, not by its
trace, and times it with the recorder's clock.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from ..names import harmless
from .here import Here, Open, here, leaf_of
from .hook import once, tried

LONGEST_NAME = 100
"""Characters of a span's name that are kept."""

MOST_OPEN = 4096
"""Spans that have begun and not ended: of more, the oldest stay without an end."""

_SDK = "opentelemetry.sdk.trace"
_INSTRUMENTATION = "opentelemetry.instrumentation."
# What our own hooks record, or FastAPI's layers do.
_DOUBLED = frozenset(
    {"asgi", "asyncio", "fastapi", "httpx", "redis", "sqlalchemy", "starlette", "threading"}
)
_DOUBLED_SCOPES = ("fastapi", "fastapi_tasks", "starlette")
# What SQLAlchemy may run its statements through.
_DRIVERS = frozenset(
    {"aiopg", "asyncpg", "dbapi", "mysql", "mysqlclient", "psycopg", "psycopg2", "pymysql"}
    | {"sqlite3"}
)
_NAME = re.compile(r"[^\W\d]\w{0,99}")
_ERROR = re.compile(r"([^\W\d]\w*)?(Error|Exception)")

_attached: Any = None


def install() -> None:
    """Draw the spans of the provider that the app has now, if it has one."""
    global _attached
    trace: Any = sys.modules.get("opentelemetry.trace")
    # As long as nobody has set one, this makes nothing anew.
    provider = None if trace is None else tried(trace.get_tracer_provider)
    if provider is not None and provider is not _attached:
        tried(attach, provider)
        _attached = provider


def look_again() -> None:
    """Do as `install`, where the app may have set a provider since."""
    # Asked for the provider where nobody has set one, the API looks it up in the environment.
    if _SDK in sys.modules:
        install()


def attach(provider: Any) -> None:
    """Draw the spans of this provider from now on; nothing where it takes no processors."""
    # What stands in for one that nobody has configured takes none.
    if hasattr(provider, "add_span_processor") and once(provider, "processor"):
        provider.add_span_processor(_processor())


def _processor() -> Any:
    sdk: Any = sys.modules.get(_SDK)
    bases = (_Source,) if sdk is None else (_Source, sdk.SpanProcessor)
    return type("TimelineProcessor", bases, {})()


class _Within(Here):
    """The place of what runs within a span of the SDK."""

    __slots__ = ("before", "key")

    def __init__(self, before: Here, span: int, key: int) -> None:
        super().__init__(before.request, before.task, span)
        self.before = before
        self.key = key


class _Source:
    """A span processor, as the SDK calls it."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[Open, _Within]] = {}

    def on_start(self, span: Any, parent_context: Any = None) -> None:  # noqa: ARG002
        place = here.get()
        if place is not None:
            tried(self._begin, place, span)

    def on_end(self, span: Any) -> None:
        if self._open:
            tried(self._end, span)

    def _on_ending(self, span: Any) -> None:
        """Do nothing: the SDK calls this before `on_end`, also where its own class is no base."""

    def shutdown(self) -> None:
        """Do nothing: the recording goes on without the provider."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002
        return True

    def _begin(self, place: Here, span: Any) -> None:
        place = _outside_of_others(place, span)
        scope = span.instrumentation_scope.name if span.instrumentation_scope else ""
        if _is_doubled(scope, place):
            return
        key = span.get_span_context().span_id
        opened = leaf_of(place, _short(span.name), "telemetry", {"scope": _short(scope)})
        within = _Within(place, opened.span.id, key)
        self._open[key] = opened, within
        here.set(within)
        if len(self._open) > MOST_OPEN:
            del self._open[next(iter(self._open))]

    def _end(self, span: Any) -> None:
        opened, within = self._open.pop(span.get_span_context().span_id, (None, None))
        if opened is None or within is None:
            return
        # It may end elsewhere than it began: whoever still is at this place is now outside of it.
        within.parent = within.before.parent
        if here.get() is within:
            here.set(within.before)
        opened.span.name = _short(span.name)
        opened.span.error = _error_type(span)
        opened.end()


def _short(name: str) -> str:
    return harmless(name[:LONGEST_NAME])


def _outside_of_others(place: Here, span: Any) -> Here:
    """Step out of spans of the SDK that this one is not inside of: they only began before it."""
    parent = span.parent.span_id if span.parent is not None else None
    while isinstance(place, _Within) and place.key != parent:
        place = place.before
    return place


def _is_doubled(scope: str, place: Here) -> bool:
    if scope in _DOUBLED_SCOPES:
        return True
    if not scope.startswith(_INSTRUMENTATION):
        return False
    library = scope.removeprefix(_INSTRUMENTATION).partition(".")[0]
    return library in _DOUBLED or (library in _DRIVERS and _is_in_statement(place))


def _is_in_statement(place: Here) -> bool:
    for span in reversed(place.request.timeline.spans[-8:]):
        if span.task == place.task and span.parent == place.parent:
            return span.kind == "sql" and span.end is None
    return False


def _error_type(span: Any) -> str | None:
    if span.status is None or span.status.status_code.name != "ERROR":
        return None
    for event in span.events or ():
        if event.name == "exception":
            return _last_part((event.attributes or {}).get("exception.type"), _NAME)
    # Anybody may write this attribute: only what looks like the name of a type is taken for one.
    return _last_part((span.attributes or {}).get("error.type"), _ERROR)


def _last_part(found: object, pattern: re.Pattern[str]) -> str:
    name = str(found).rpartition(".")[2]
    return name if pattern.fullmatch(name) else "error"
