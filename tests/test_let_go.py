"""S3: what has ended is free at once, without a run of the garbage collector."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import Depends, FastAPI, WebSocket
from fastapi.responses import StreamingResponse

from fastapi_tasks import Recorder, Tasks
from fastapi_tasks.job import Job
from fastapi_tasks.phases import Phases
from fastapi_tasks.request import Request
from fastapi_tasks.websocket import Connection

from .asgi import serving
from .freed import uncollected

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]

KINDS = (Request, Connection, Phases, Job)


async def work() -> None: ...


async def session(tasks: Tasks) -> AsyncIterator[None]:
    tasks.after_response.schedule(work)
    yield


def add_endpoints(app: FastAPI) -> None:
    @app.get("/none")
    async def none(tasks: Tasks) -> None: ...

    @app.get("/all")
    async def all_modes(tasks: Tasks) -> None:
        for scheduler in (tasks, tasks.after_route, tasks.after_response):
            scheduler.schedule(work)

    @app.get("/dependency")
    async def dependency(session: Annotated[None, Depends(session)]) -> None: ...

    @app.get("/stream")
    async def stream(tasks: Tasks) -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"one"
            tasks.schedule(work)
            yield b"two"

        return StreamingResponse(body())

    @app.websocket("/socket")
    async def socket(socket: WebSocket, tasks: Tasks) -> None:
        await socket.accept()
        tasks.schedule(work)
        tasks.after_response.schedule(work)
        await socket.close()


@pytest.mark.parametrize("watch", [False, True], ids=["", "watched"])
@pytest.mark.parametrize("path", ["/none", "/all", "/dependency", "/stream", "/socket"])
async def test_a_request_and_all_that_it_held(
    make_app: MakeApp, recorder: Recorder, path: str, watch: bool
) -> None:
    app = make_app(tasks={"watch": watch})
    add_endpoints(app)

    async def ask(server: Any) -> None:
        if path == "/socket":
            await server.websocket(path, [])
        else:
            await server.get(path)

    async with serving(app) as server:
        with uncollected(*KINDS) as stayed:
            for _ in range(3):
                await ask(server)
            await recorder.settled()
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            assert stayed() == []
    assert len(recorder.timelines) == 3
