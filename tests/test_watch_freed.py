"""What watching holds of a request is free when that is over, without the garbage collector."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from fastapi_tasks import Recorder, Span, add_tasks
from fastapi_tasks.request import Request
from fastapi_tasks.watch.here import Here, Open, leaf, spanning

from .asgi import serving


@pytest.fixture
def by_hand() -> Iterator[None]:
    """No garbage collector: what is not freed by itself stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive(*kinds: type) -> list[Any]:
    return [one for one in gc.get_objects() if type(one) in kinds]


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

    @app.get("/fails/now")
    async def fails() -> None:
        with spanning("call", "http"):
            raise LookupError

    return app


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(("path", "most"), [("/7", 11), ("/nothing/there", 2), ("/x", 5)])
async def test_a_request_is(path: str, most: int, by_hand: None) -> None:
    app = shop()
    recorder = Recorder(maxlen=1)
    add_tasks(app, recorder=recorder, watch=True)
    async with serving(app) as server:
        for _ in range(3):
            await server.get(path)
            await recorder.settled()
        kept = recorder.timelines[0].spans
        assert len(kept) == most
        assert alive(Request, Open, Here) == []
        assert len(alive(Span)) == len(kept)
