"""Run requests, with an OpenTelemetry SDK or without, and print what came of it as JSON.

In a process of its own, because a process keeps its tracer provider for good.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import anyio
from fastapi import FastAPI

from fastapi_tasks import Recorder, Tasks, add_tasks
from tests.asgi import serving

current: dict[str, str | None] = {}


def note(what: str) -> None:
    """Keep the id of the span that is current here."""
    trace = sys.modules.get("opentelemetry.trace")
    span = trace.get_current_span().get_span_context() if trace else None
    current[what] = f"0x{span.span_id:016x}" if span is not None and span.is_valid else None


async def work(what: str) -> None:
    note(what)
    await anyio.sleep(0.01)


async def parent(tasks: Any) -> None:
    note("parent")
    await anyio.sleep(0.01)
    tasks.task(name="child").schedule(work, "child")


async def charge(card: str) -> None:
    note("charge")
    raise ValueError(f"no such card: {card}")


def make_app() -> tuple[FastAPI, Recorder]:
    app = FastAPI()
    recorder = add_tasks(app, grace_period=0.2, shutdown_timeout=10)

    @app.get("/orders")
    async def orders(tasks: Tasks) -> None:
        note("endpoint")
        tasks.task(name="immediate").schedule(work, "immediate")
        tasks.after_route.task(name="after_route").schedule(work, "after_route")
        tasks.after_response.task(name="after_response").schedule(work, "after_response")
        tasks.after_response.task(name="in thread").schedule(note, "in thread")
        tasks.after_response.schedule(parent, tasks)
        tasks.after_response.schedule(charge, "4111 1111")
        tasks.after_response.task(name="import caf\udce9.csv").schedule(anyio.sleep, 0)

    @app.get("/endless")
    async def endless(tasks: Tasks) -> None:
        tasks.after_response.task(name="endless").schedule(anyio.sleep_forever)

    return app, recorder


async def send_requests(app: Any, recorder: Recorder) -> None:
    async with serving(app) as server:
        await server.get("/orders")
        await recorder.settled(30)
        await server.get("/endless")


def with_sdk() -> dict[str, Any]:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    found = {}
    for backend in ("asyncio", "trio"):
        app, recorder = make_app()
        if backend == "asyncio":
            # After the app was made, as is often done.
            trace.set_tracer_provider(provider)
        around = Around(app, trace.get_tracer("server"))
        anyio.run(send_requests, around, recorder, backend=backend)
        spans = [json.loads(span.to_json()) for span in exporter.get_finished_spans()]
        found[backend] = {"spans": spans, "current": dict(current)}
        exporter.clear()
        current.clear()
    return found


class Around:
    """A span of its own for each request, where FastAPI itself makes none."""

    def __init__(self, app: FastAPI, tracer: Any) -> None:
        self.app = app
        self._tracer = tracer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        with self._tracer.start_as_current_span(f"server {scope.get('path')}"):
            await self.app(scope, receive, send)


def without_sdk() -> dict[str, Any]:
    anyio.run(send_requests, *make_app())
    sdk = [name for name in sys.modules if name.startswith("opentelemetry.sdk")]
    return {"current": current, "sdk": sdk}


if __name__ == "__main__":
    print(json.dumps(with_sdk() if sys.argv[1:] == ["with"] else without_sdk()))
