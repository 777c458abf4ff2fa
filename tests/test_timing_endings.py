"""The timing contract, T8 and T9: aborted responses and WebSockets."""

from collections.abc import AsyncIterator
from typing import Annotated

import anyio
import pytest
from fastapi import Depends, WebSocket
from fastapi.responses import StreamingResponse
from starlette.types import Message

from fastapi_tasks import Recorder, Tasks

from .asgi import serving
from .timing import MakeApp, last, marks, slow_send, times, work

pytestmark = pytest.mark.anyio


class Endless:
    """A body without end, and not a generator that somebody would have to close."""

    def __aiter__(self) -> "Endless":
        return self

    async def __anext__(self) -> bytes:
        await anyio.sleep(0.1)
        return b"x"


class TestT8ResponseAborted:
    async def test_tasks_run_when_send_fails(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(work)

        async def gone(message: Message) -> None:
            if message["type"] == "http.response.body":
                raise OSError("connection lost")

        async with serving(app) as server:
            await server.settle("/", on_send=gone)
        assert last(recorder).aborted
        assert last(recorder).error is None
        assert marks(last(recorder)) == (0, 0, None)
        assert times(last(recorder).tasks[0]) == (0, 0, 0, 100)

    async def test_tasks_run_when_the_body_raises(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> StreamingResponse:
            async def body() -> AsyncIterator[bytes]:
                yield b"x"
                await anyio.sleep(0.1)
                raise ValueError

            tasks.after_route.schedule(work)
            tasks.after_response.schedule(work)
            return StreamingResponse(body())

        async with serving(app) as server:
            await server.settle("/")
        assert last(recorder).aborted
        assert [(t.outcome, *times(t)) for t in last(recorder).tasks] == [
            ("ok", 0, 0, 0, 100),
            ("ok", 0, 100, 100, 200),
        ]

    async def test_tasks_run_when_the_client_disconnects_while_it_streams(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> StreamingResponse:
            tasks.after_response.schedule(work)
            return StreamingResponse(Endless())

        sent = 0

        async def gone(message: Message) -> None:
            nonlocal sent
            sent += 1
            if sent == 3:
                raise OSError("client disconnected")

        async with serving(app) as server:
            await server.settle("/", on_send=gone)
        assert last(recorder).aborted
        assert times(last(recorder).tasks[0]) == (0, 200, 200, 300)


class TestT9WebSocket:
    async def test_after_route_when_the_endpoint_returns_after_response_when_closed(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def session() -> AsyncIterator[None]:
            yield
            await anyio.sleep(0.2)

        @app.websocket("/")
        async def endpoint(
            socket: WebSocket,
            tasks: Tasks,
            db: Annotated[None, Depends(session, scope="function")],
        ) -> None:
            await socket.accept()
            tasks.schedule(work)
            tasks.after_route.schedule(work)
            tasks.after_response.schedule(work)
            await anyio.sleep(0.05)
            await socket.close()
            await anyio.sleep(0.05)

        async with serving(app) as server:
            await server.websocket("/", [], on_send=slow_send)
            await recorder.settled()
        timeline = last(recorder)
        assert (timeline.kind, timeline.method, timeline.status) == ("websocket", "WS", None)
        assert marks(timeline) == (140, 0, 90)
        assert [(t.mode, *times(t)) for t in timeline.tasks] == [
            ("immediate", 20, 20, 20, 120),
            ("after_route", 20, 340, 340, 440),
            ("after_response", 20, 340, 340, 440),
        ]

    async def test_a_client_that_leaves_closes_it_too(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.websocket("/")
        async def endpoint(socket: WebSocket, tasks: Tasks) -> None:
            await socket.accept()
            tasks.after_response.schedule(work)
            message = await socket.receive()
            assert message["type"] == "websocket.disconnect"
            await anyio.sleep(0.3)

        async with serving(app) as server:
            await server.websocket("/", [])
            await recorder.settled()
        assert marks(last(recorder)) == (300, 0, 0)
        assert not last(recorder).aborted
        assert times(last(recorder).tasks[0]) == (0, 300, 300, 400)
