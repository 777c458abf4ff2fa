"""A process that is forked within a request, as by a pool for processes: it is no part of that."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from fastapi import FastAPI

from fastapi_tasks import Event, record
from fastapi_tasks.watch.here import spanning

from .asgi import serving

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.skipif(sys.platform != "linux", reason="others do not fork"),
    # Python 3.12 and later say so of any process that has threads.
    pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning"),
]

told: list[Event] = []


def work() -> int:
    """Return how much a listener has heard in the pool's process of what it does."""
    before = len(told)
    with spanning("call", "http"):
        pass
    return len(told) - before


async def test_what_it_does_is_not_told_to_listeners_whose_locks_it_has_no_part_in() -> None:
    app = FastAPI()
    recorder = record(app, watch=True)
    heard: list[int] = []

    @app.get("/")
    async def endpoint() -> None:
        with ProcessPoolExecutor(1, get_context("fork")) as pool:
            heard.append(await asyncio.get_running_loop().run_in_executor(pool, work))
        heard.append(work())

    unsubscribe = recorder.subscribe(told.append)
    async with serving(app) as server:
        timeline = await server.settle("/")
    unsubscribe()
    assert heard == [0, 1]
    assert [span.name for span in timeline.spans if span.kind == "http"] == ["call"]
