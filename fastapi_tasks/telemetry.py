"""Each task as an OpenTelemetry span in its request's trace, where an SDK is configured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from .timeline import TaskRecord

try:
    from opentelemetry import trace
except ImportError:  # older FastAPI releases come without it
    trace = None  # type: ignore[assignment]

_NO_SPAN = nullcontext()


class Tracing:
    """Makes the spans of tasks, or none at all."""

    def __init__(self) -> None:
        self._tracer: Any = None

    def look(self) -> None:
        """Take the tracer of the provider that is configured now, if there is one."""
        if trace is not None:
            provider = trace.get_tracer_provider()
            if not isinstance(provider, (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
                self._tracer = provider.get_tracer("fastapi_tasks")

    def span(self, record: TaskRecord) -> AbstractContextManager[Any]:
        """Return a context in which the task's span is current. Its parent is in the context."""
        return _NO_SPAN if self._tracer is None else _span(self._tracer, record)


@contextmanager
def _span(tracer: Any, record: TaskRecord) -> Iterator[None]:
    # Not the exception itself: its message may hold what the task's arguments held.
    with tracer.start_as_current_span(
        record.name,
        attributes={"fastapi_tasks.mode": record.mode},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(trace.StatusCode.ERROR)
            raise
