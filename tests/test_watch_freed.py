"""What watching holds of a request is free when that is over, without the garbage collector."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from fastapi_tasks import Recorder, add_tasks
from fastapi_tasks.request import Request
from fastapi_tasks.watch.here import Open, leaf, spanning

from .asgi import serving
from .freed import uncollected


async def work() -> None:
    opened = leaf("SELECT", "sql")
    assert opened is not None
    opened.end()


def shop() -> FastAPI:
    app = FastAPI()
    app.add_middleware(CORSMiddleware)

    @app.get("/{number}")
    async def order(number: int, later: BackgroundTasks, user: None = Depends(work)) -> int:
        later.add_task(work)
        with spanning("call", "http"):
            await asyncio.create_task(work())
        return number

    return app


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/7", 10),
        ("/nothing/there", 2),
        pytest.param(
            "/x",
            5,
            marks=pytest.mark.skipif(
                version("fastapi").startswith("0.121."),
                reason="FastAPI 0.121 leaves a request that is not valid to the collector",
            ),
        ),
    ],
)
async def test_a_request_is(path: str, most: int) -> None:
    app = shop()
    recorder = Recorder(maxlen=1)
    add_tasks(app, recorder=recorder, watch=True)
    async with serving(app) as server:
        with uncollected(Request, Open) as stayed:
            for _ in range(3):
                await server.get(path)
                await recorder.settled()
            await asyncio.sleep(0)  # until the loop lets go of the last task
            assert stayed() == []
        assert len(recorder.timelines[0].spans) == most


class Held:
    """Something in a frame that an error's traceback leads to."""


async def fail_at_once() -> None:
    held = Held()
    raise ConnectionError(held)


async def fail_later() -> None:
    held = Held()
    await asyncio.sleep(0)
    raise ConnectionError(held)


async def run_for_long() -> None:
    held = Held()
    await asyncio.sleep(100)
    assert held


async def refuse_to_end() -> None:
    with suppress(asyncio.CancelledError):
        await run_for_long()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("work", "how"),
    [
        (fail_at_once, "ConnectionError"),
        (fail_later, "ConnectionError"),
        (run_for_long, "cancelled"),
        (refuse_to_end, "NoneType"),
    ],
)
async def test_what_a_created_task_ended_with_is(
    work: Callable[[], Coroutine[Any, Any, None]], how: str
) -> None:
    """Else its error is logged, and what its frames hold freed, whenever the collector runs."""
    app = FastAPI()
    ended: list[str] = []

    @app.get("/")
    async def endpoint() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        # Asked for, the error is not logged as one that nobody saw.
        ended.append("cancelled" if task.cancelled() else type(task.exception()).__name__)

    add_tasks(app, watch=True)
    async with serving(app) as server:
        with uncollected(Held) as stayed:
            for _ in range(3):
                assert (await server.get("/")).status == 200
            await asyncio.sleep(0)
            assert stayed() == []
    assert ended == [how] * 3


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("watch", [False, True])
async def test_what_a_cancelled_request_ended_with_is(watch: bool) -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> None:
        await run_for_long()

    add_tasks(app, watch=watch)
    async with serving(app) as server:
        with uncollected(Held) as stayed:
            for _ in range(3):
                request = asyncio.create_task(server.get("/"))
                await asyncio.sleep(0.01)
                request.cancel()
                await asyncio.wait([request])
                assert request.cancelled()
            del request
            await asyncio.sleep(0)
            assert stayed() == []
