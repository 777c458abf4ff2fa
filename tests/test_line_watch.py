"""The thread that looks at the loop: when there is one, and that nothing depends on it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from fastapi_tasks import Recorder, RecordingMiddleware, Tasks, add_tasks, record
from fastapi_tasks.held import Told
from fastapi_tasks.recorder import keeper_of
from fastapi_tasks.steps import Beat
from fastapi_tasks.timeline import MACHINE
from visualize import summary

from .asgi import serving
from .virtual import block

pytestmark = pytest.mark.anyio

NAME = "fastapi_tasks line"


def watching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def end(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(10)
    assert watching() == []


@pytest.mark.parametrize(
    "give",
    [
        lambda recorder: FastAPI(),
        lambda recorder: _with(add_tasks, recorder),
        lambda recorder: _with(add_tasks, Recorder(busy_threshold=math.inf), watch=True),
    ],
    ids=["not recorded", "not watched", "nothing is over the limit"],
)
async def test_there_is_none(give: Callable[[Recorder], Any], recorder: Recorder) -> None:
    async with serving(give(recorder)):
        assert watching() == []


@pytest.mark.parametrize(
    "give",
    [
        lambda recorder: _with(add_tasks, recorder, watch=True),
        lambda recorder: _with(record, recorder, watch=True),
        lambda recorder: RecordingMiddleware(FastAPI(), recorder, watch=True),
    ],
    ids=["add_tasks", "record", "RecordingMiddleware"],
)
async def test_there_is_one_from_the_start_to_the_shutdown(
    give: Callable[[Recorder], Any], recorder: Recorder
) -> None:
    async with serving(give(recorder)):
        threads = watching()
        assert len(threads) == 1
    end(threads)


def _with(how: Callable[..., Recorder], recorder: Recorder, **options: Any) -> FastAPI:
    app = FastAPI()
    how(app, recorder=recorder, **options)
    return app


async def test_there_is_one_for_a_loop_on_which_an_app_is_up_twice(recorder: Recorder) -> None:
    app = _with(add_tasks, recorder, watch=True)
    async with serving(app):
        async with serving(app):
            threads = watching()
            assert len(threads) == 1
        assert watching() == threads
    end(threads)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_where_no_lifespan_is_up_there_is_one_until_the_loop_ends(backend: str) -> None:
    app = FastAPI()
    recorder = record(app, watch=True)

    @app.get("/")
    async def endpoint() -> int:
        time.sleep(0.1)  # noqa: ASYNC251
        return len(watching())

    async def use() -> list[str]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return [(await client.get("/")).text for _ in range(2)]

    for _ in range(2):
        assert anyio.run(use, backend=backend) == ["1", "1"]
        end(watching())
    lines = [busy.line or "" for one in recorder.timelines for busy in one.busy]
    assert [line.rpartition(" in ")[2] for line in lines] == ["endpoint"] * 4


async def test_the_app_goes_on_where_it_fails(caplog: pytest.LogCaptureFixture) -> None:
    loop = threading.get_ident()

    def clock() -> int:
        if threading.get_ident() != loop:
            raise OverflowError
        return time.perf_counter_ns()

    app = _with(add_tasks, Recorder(clock=clock), watch=True)

    @app.get("/")
    async def endpoint() -> None: ...

    async with serving(app) as server:
        end(watching())
        assert (await server.get("/")).status == 200
    assert "the lines that hold the loop are told no longer" in caplog.text


@pytest.mark.parametrize("watch", [True, False])
async def test_a_step_within_another_is_counted_once(recorder: Recorder, watch: bool) -> None:
    app = _with(add_tasks, recorder, watch=watch)
    app.add_middleware(CORSMiddleware, allow_origins=["*"])

    @app.get("/inner")
    async def inner() -> None:
        block(0.1)

    @app.get("/outer")
    async def outer() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            await client.get("/inner")

    @app.get("/waiting")
    async def waiting() -> None:
        await anyio.sleep(1)

    async with serving(app) as server, anyio.create_task_group() as group:
        group.start_soon(server.get, "/waiting")
        await anyio.sleep(0.5)
        await server.get("/outer")
    busy = {one.path: [(each.start, each.end) for each in one.busy] for one in recorder.timelines}
    once = [(500_000_000, 600_000_000)]
    # Nobody but a watch knows of the outer step while the inner one is under way.
    assert busy == {"/waiting": once, "/outer": once, "/inner": [] if watch else once}


async def test_what_a_step_held_around_another_is_its_own(recorder: Recorder) -> None:
    app = _with(add_tasks, recorder)

    @app.get("/inner")
    async def inner() -> None:
        block(0.1)

    @app.get("/outer")
    async def outer() -> None:
        block(0.05)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            for _ in range(2):
                await client.get("/inner")
        block(0.03)

    async with serving(app) as server:
        await server.get("/outer")
    outer_one, *inner_ones = recorder.timelines
    steps = [(busy.culprit, busy.start, busy.end) for busy in outer_one.busy]
    ms = 1_000_000
    assert sorted(steps, key=lambda step: step[1]) == [
        ("GET /outer #1", 0, 50 * ms),
        ("GET /inner #2", 50 * ms, 150 * ms),
        ("GET /inner #3", 150 * ms, 250 * ms),
        ("GET /outer #1", 250 * ms, 280 * ms),
    ]
    assert [len(one.busy) for one in inner_ones] == [1, 1]


async def test_a_step_that_the_machine_put_aside_is_nobodys(recorder: Recorder) -> None:
    app = _with(add_tasks, recorder)

    async def mail() -> None:
        block(0.05)

    @app.get("/hold")
    async def hold(tasks: Tasks) -> None:
        tasks.schedule(mail)
        await anyio.sleep(0.5)
        block(0.1)

    async with serving(app) as server:
        keeper = keeper_of(recorder)
        watch: Any = SimpleNamespace(told_of=lambda _: Told(machine=True), beat=Beat())
        keeper.loops.watches[threading.get_ident()] = watch
        await server.get("/hold")
        await recorder.settled()
        del keeper.loops.watches[threading.get_ident()]
    (timeline,) = recorder.timelines
    assert [(one.culprit, one.task) for one in timeline.busy] == [(MACHINE, None)] * 2
    assert [row.held for row in (*summary(timeline).routes, *summary(timeline).tasks)] == [0, 0]
