"""Nanoseconds a request of an app that is watched, or traced, with so many bars a request."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import Any

from fastapi import FastAPI
from server import Server

from fastapi_tasks import add_tasks

CALLS = 20

Part = Callable[[], Awaitable[None]]


async def part() -> None:
    """Stand for a statement or a call, without the time that it takes."""


def _plain(bars: int) -> FastAPI:
    return _app(bars, part)


def _watched(bars: int) -> FastAPI:
    from fastapi_tasks.watch.here import leaf
    from fastapi_tasks.watch.hook import around

    app = _app(bars, around(part, lambda: leaf("part", "sql", {"system": "shop"})))
    add_tasks(app, watch=True)
    return app


def _traced(bars: int) -> FastAPI:
    tracer, _ = _sdk()

    async def traced() -> None:
        with tracer.start_as_current_span("part", attributes={"system": "shop"}):
            await part()

    return _app(bars, traced)


@cache
def _sdk() -> tuple[Any, Any]:
    """Set an SDK up, for FastAPI's own spans too, whose processor keeps all in memory."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    provider, memory = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(provider)
    return provider.get_tracer("shop"), memory


MAKERS = {"plain": _plain, "watched": _watched, "OpenTelemetry": _traced}


def _app(bars: int, do: Part) -> FastAPI:
    app = FastAPI()

    @app.post("/orders")
    async def order(cart_id: int) -> dict[str, str]:
        for _ in range(bars):
            await do()
        return {"status": "processing"}

    return app


async def watching(
    ask: Callable[[], Any], contenders: list[str], bars: int
) -> AsyncIterator[list[float]]:
    """Yield the times of one round whenever the other end asks for it, until it says null."""
    servers = [Server(MAKERS[name](bars)) for name in contenders]
    for server in servers:
        await server.start()
        await _batch(server)
    gc.collect()
    yield []
    while (number := ask()) is not None:
        times = [0.0] * len(servers)
        order = list(range(len(servers)))
        random.Random(number).shuffle(order)
        for index in order:
            times[index] = await _batch(servers[index])
        if "OpenTelemetry" in contenders:
            _sdk()[1].clear()
        yield times
    for server in servers:
        await server.stop()


async def _batch(server: Server) -> float:
    await server.request()
    began = time.perf_counter_ns()
    for _ in range(CALLS):
        await server.request()
    return (time.perf_counter_ns() - began) / CALLS
