"""S3: a request that lives for long, and schedules all the while, keeps none of what has ended."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse

from fastapi_tasks import Recorder, Tasks, add_tasks

from .asgi import serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

# A leak grows in every quarter of the tasks, by more bytes than this; what else the process
# allocates meanwhile, it allocates once.
BOUND = 60_000
QUARTERS = 4
# All of them take a while under the eyes of tracemalloc; a leak shows as well in fewer.
TASKS = {"asyncio": 100_000, "trio": 10_000}
THREAD_TASKS = 4_000
AT_ONCE = 50


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Both backends on real time: nothing here waits for a clock."""
    backend: str = request.param
    return backend


@pytest.fixture(autouse=True)
def traced() -> Iterator[None]:
    """Count what Python allocates."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


class Gauge:
    """Counts tasks, and reads the memory after each quarter of them."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.count = 0
        self.readings: list[int] = []

    def note(self) -> None:
        """Count one task that has run."""
        self.count += 1
        if self.count % (self.total // QUARTERS) == 0:
            gc.collect()
            self.readings.append(tracemalloc.get_traced_memory()[0])

    @property
    def grown(self) -> int:
        """Bytes gained in the quarter that gained the least."""
        return min(after - before for before, after in pairwise(self.readings))

    @property
    def over(self) -> bool:
        """Whether all tasks have run."""
        return self.count >= self.total


def make_app(gauge: Gauge, *, enabled: bool) -> tuple[FastAPI, Recorder]:
    """Make an app whose endpoints schedule all tasks of the gauge, one after another."""
    app = FastAPI()
    # One thread, so that the gauge is read by one at a time.
    recorder = add_tasks(app, recorder=Recorder(enabled=enabled), threads=1)

    async def note() -> None:
        gauge.note()

    async def again(tasks: Any) -> None:
        gauge.note()
        if not gauge.over:
            tasks.schedule(again, tasks)

    async def schedule_all(tasks: Any, func: Callable[[], object]) -> AsyncIterator[bytes]:
        while not gauge.over:
            before = gauge.count
            for _ in range(AT_ONCE):
                tasks.schedule(func)
            while gauge.count < before + AT_ONCE:
                await anyio.lowlevel.checkpoint()
            if gauge.count % 1000 == 0:
                yield b"a thousand more"

    @app.websocket("/socket")
    async def socket(socket: WebSocket, tasks: Tasks) -> None:
        await socket.accept()
        async for part in schedule_all(tasks, note):
            await socket.send_bytes(part)

    @app.get("/stream")
    async def stream(tasks: Tasks) -> StreamingResponse:
        return StreamingResponse(schedule_all(tasks, note))

    @app.get("/threads")
    async def threads(tasks: Tasks) -> StreamingResponse:
        return StreamingResponse(schedule_all(tasks, gauge.note))

    @app.get("/itself")
    async def itself(tasks: Tasks) -> None:
        tasks.after_response.schedule(again, tasks)

    return app, recorder


@pytest.mark.parametrize("enabled", [True, False], ids=["recorded", "not recorded"])
@pytest.mark.parametrize("path", ["/socket", "/stream", "/itself", "/threads"])
async def test_s3_memory_stays_flat_over_many_tasks_of_one_request(
    path: str, enabled: bool, anyio_backend: str
) -> None:
    gauge = Gauge(THREAD_TASKS if path == "/threads" else TASKS[anyio_backend])
    app, recorder = make_app(gauge, enabled=enabled)
    async with serving(app) as server:
        if path == "/socket":
            await server.websocket(path, [])
        else:
            await server.get(path)
        await recorder.settled(60)
    assert (gauge.count, len(gauge.readings)) == (gauge.total, QUARTERS)
    assert len(recorder.timelines) == enabled
    assert gauge.grown < BOUND
