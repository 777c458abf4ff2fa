"""An app that sets its tracer provider late: run in a process of its own, which it changes."""

from __future__ import annotations

import json
import sys

from fastapi_tasks.watch import telemetry_source
from tests.watching import tree, watched


def main() -> None:
    telemetry_source.install()
    imported = [name for name in sys.modules if name.startswith("opentelemetry.sdk")]

    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    telemetry_source.install()
    tracer = trace.get_tracer("shop")
    with watched() as before, tracer.start_as_current_span("a"):
        pass
    set_by_us = not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    telemetry_source.install()
    telemetry_source.install()
    with watched() as after, tracer.start_as_current_span("b"):
        pass
    with tracer.start_as_current_span("c"):
        pass
    print(
        json.dumps(
            {
                "imported without the app": imported,
                "before it is set": tree(before),
                "after it is set": tree(after),
                "exported": [span.name for span in exporter.get_finished_spans()],
                "set by us": set_by_us,
            }
        )
    )


main()
