"""What watching holds of a request is free when that is over, without the garbage collector."""

from __future__ import annotations

import asyncio
from importlib.metadata import version

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
