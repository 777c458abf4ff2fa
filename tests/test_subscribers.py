"""A subscriber that is slow in a worker thread holds nothing but that thread."""

from __future__ import annotations

import threading

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Event, Recorder, Tasks, add_tasks

from .asgi import serving

PATIENCE = 30


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_the_loop_goes_on_and_nobody_is_blamed_while_a_def_task_is_told_to_have_started() -> (
    None
):
    app = FastAPI()
    # Held, the loop would be so until the subscriber loses its patience.
    recorder = add_tasks(app, recorder=Recorder(busy_threshold=PATIENCE / 2), threads=2)
    told, go_on = threading.Event(), threading.Event()
    heard: list[bool] = []
    ran: list[str] = []

    def slow(event: Event) -> None:
        if event.kind == "started" and event.task is not None and event.task.name == "first":
            told.set()
            heard.append(go_on.wait(PATIENCE))

    recorder.subscribe(slow)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.task(name="first").schedule(ran.append, "first")
        with anyio.fail_after(PATIENCE):
            while not told.is_set():
                await anyio.sleep(0.001)
        # Its thread is at the subscriber: others are taken and end meanwhile.
        tasks.task(name="second").schedule(ran.append, "second")
        with anyio.fail_after(PATIENCE):
            while not ran:
                await anyio.sleep(0.001)
        go_on.set()

    async with serving(app) as server:
        timeline = await server.settle("/")
    assert heard == [True]
    assert ran == ["second", "first"]
    assert [task.outcome for task in timeline.tasks] == ["ok", "ok"]
    assert timeline.busy == []
