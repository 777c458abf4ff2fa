# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline[lab]",
#     "opentelemetry-sdk",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""Each task as a span in its request's trace, through the SDK that your app has configured.

There is nothing to set: tasks use the tracer provider if there is one; if not, it costs nothing.

uv run examples/opentelemetry_spans.py
"""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fastapi_tasks import Tasks, add_tasks
from visualize import lab

exporter = InMemorySpanExporter()  # in production: OTLPSpanExporter, to a collector of yours
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop")

app = FastAPI()
add_tasks(app)


async def send_mail(to: str) -> None:
    with tracer.start_as_current_span("smtp"):
        await asyncio.sleep(0.01)


async def update_stock(item: str) -> None:
    raise ConnectionError(f"no answer about {item}")


@app.post("/orders")
async def order(item: str, tasks: Tasks) -> dict[str, str]:
    with tracer.start_as_current_span("order"):  # an instrumentation opens this for you
        tasks.after_response.task(name="mail").schedule(send_mail, "someone@example.org")
        tasks.after_response.task(name="stock").schedule(update_stock, item)
    return {"status": "processing"}


if __name__ == "__main__":
    with lab.serve(app, quiet=True) as server:
        server.timeline(server.post("/orders", params={"item": "pen"}))
    spans = {span.name: span for span in exporter.get_finished_spans()}
    names = {span.context.span_id: name for name, span in spans.items()}
    for name in ("order", "mail", "smtp", "stock"):
        span = spans[name]
        parent = names.get(span.parent.span_id) if span.parent else "the top"
        mode = (span.attributes or {}).get("fastapi_tasks.mode", "-")
        print(f"{name:6} below {parent}, mode {mode}, {span.status.status_code.name}")
    assert len({span.context.trace_id for span in spans.values()}) == 1
