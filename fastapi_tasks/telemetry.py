"""Each task as an OpenTelemetry span in its request's trace, where an SDK is configured."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from .names import harmless, name_of
from .timeline import TaskRecord

T = TypeVar("T")


def find_tracer() -> Any:
    """Return the tracer of the provider that is configured now, or None if there is none."""
    # Whoever configured an SDK has imported this. Older FastAPI releases do not.
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    provider = trace.get_tracer_provider()
    if isinstance(provider, (trace.ProxyTracerProvider, trace.NoOpTracerProvider)):
        return None
    return provider.get_tracer("fastapi_tasks")


async def traced(coroutine: Coroutine[Any, Any, T], tracer: Any, record: TaskRecord) -> T:
    """Await `coroutine` in a span of its own, whose parent is in the context that it runs in."""
    # Not the exception itself: its message may hold what the task's arguments held.
    with tracer.start_as_current_span(
        harmless(record.name),
        attributes={"fastapi_tasks.mode": record.mode},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            return await coroutine
        except BaseException as error:
            span.set_attribute("error.type", name_of(type(error)))
            span.set_status(sys.modules["opentelemetry.trace"].StatusCode.ERROR)
            raise
