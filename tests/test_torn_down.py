"""S1 and S1a where a stranger cancels: the app's lifespan, or the event loop's tasks."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Recorder, Tasks

from .asgi import Server, serving

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


async def live(app: FastAPI, scope: anyio.CancelScope) -> None:
    """Run the app's lifespan until the scope is cancelled, as trio cancels a server's nursery."""
    messages = [{"type": "lifespan.startup"}]

    async def receive() -> Any:
        return messages.pop() if messages else await anyio.sleep_forever()

    async def send(message: Any) -> None: ...

    with scope:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)


# Trio draws lots for who hears of it first: a task, or the lifespan around it.
@pytest.mark.parametrize("attempt", range(10))
async def test_s1_no_task_is_blamed_or_left_unnamed(
    make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture, attempt: int
) -> None:
    app = make_app()
    began, gate = threading.Event(), threading.Event()

    def in_thread() -> None:
        began.set()
        gate.wait(30)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.task(name="plain").schedule(anyio.sleep_forever)
        tasks.task(name="shielded", shield=True).schedule(anyio.sleep_forever)
        tasks.schedule(in_thread)

    lifespan = anyio.CancelScope()
    async with anyio.create_task_group() as group:
        group.start_soon(live, app, lifespan)
        await anyio.wait_all_tasks_blocked()
        await Server(app).get("/")
        await anyio.to_thread.run_sync(began.wait)
        lifespan.cancel()
    gate.set()
    assert recorder.last is not None
    outcomes = {task.name: task.outcome for task in recorder.last.tasks}
    assert set(outcomes) == {"plain", "shielded", "in_thread"}
    # Nothing of them failed, whatever the event loop does with what it is left with.
    assert set(outcomes.values()) <= {"cancelled", "abandoned"}
    assert outcomes["in_thread"] == "abandoned"
    assert [record.levelno for record in caplog.records if record.exc_info] == []
    told = " ".join(record.getMessage() for record in caplog.records)
    assert {name for name in outcomes if name in told} == set(outcomes)
    assert max(record.levelno for record in caplog.records) >= logging.WARNING
    gc.collect()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_s1a_a_function_that_runs_to_its_end_is_ok_whoever_cancels_its_task(
    make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(tasks={"threads": 1})
    began, gate = threading.Event(), threading.Event()
    called: list[str] = []

    def in_thread(name: str) -> None:
        began.set()
        gate.wait(30)
        called.append(name)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.task(name="first").schedule(in_thread, "first")
        tasks.task(name="queued").schedule(in_thread, "queued")

    async with serving(app) as server:
        await server.get("/")
        await anyio.to_thread.run_sync(began.wait)
        # As some signal handlers do with all that runs.
        for task in asyncio.all_tasks():
            if task.get_name() in ("first", "queued"):
                task.cancel()
        await anyio.wait_all_tasks_blocked()
        gate.set()
        await recorder.settled(timeout=30)
    assert recorder.last is not None
    outcomes = {task.name: task.outcome for task in recorder.last.tasks}
    assert outcomes["first"] == "ok"
    # The other was cancelled before its turn, or was not: what is recorded is what happened.
    assert called == [name for name, outcome in outcomes.items() if outcome == "ok"]
