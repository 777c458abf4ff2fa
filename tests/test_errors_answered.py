"""An app answers its errors with tasks as it does without them."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest
from fastapi import FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.middleware.errors import ServerErrorMiddleware

from fastapi_tasks import Recorder, add_tasks

from .asgi import Answer, serving

pytestmark = pytest.mark.anyio


class FailingMiddleware:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/middleware":
            raise ValueError("in a middleware")
        await self.app(scope, receive, send)


def make(handler: str, handled: list[str], recorder: Recorder | None = None) -> FastAPI:
    """Make an app that fails in many places, with tasks if there is a recorder."""
    app = FastAPI(debug=handler == "debug")
    if recorder is not None:
        add_tasks(app, recorder=recorder)
    app.add_middleware(FailingMiddleware)
    if handler == "async":

        @app.exception_handler(Exception)
        async def on_loop(request: Request, error: Exception) -> JSONResponse:
            handled.append(f"{request.url.path} {error!r}")
            return JSONResponse({"error": str(error)}, status_code=500)

    elif handler == "def":

        @app.exception_handler(500)
        def in_thread(request: Request, error: Exception) -> JSONResponse:
            handled.append(f"{request.url.path} {error!r}")
            return JSONResponse({"error": str(error)}, status_code=503)

    @app.get("/endpoint")
    async def endpoint() -> None:
        raise ValueError("in the endpoint")

    @app.get("/later")
    async def later() -> None:
        await anyio.sleep(1)
        raise ValueError("in the endpoint, later")

    @app.get("/started")
    async def started() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"x"
            raise ValueError("in the body")

        return StreamingResponse(body())

    @app.get("/http")
    async def http() -> None:
        raise HTTPException(418)

    @app.websocket("/socket")
    async def socket(socket: WebSocket) -> None:
        raise ValueError("in the connection")

    inner = FastAPI()
    inner.get("/endpoint")(endpoint)
    if recorder is not None:
        add_tasks(inner)
    app.mount("/mounted", inner)
    return app


def where(path: str) -> str:
    return "__call__" if path == "/middleware" else path.strip("/")


async def answer_of(app: FastAPI, path: str) -> Answer:
    async with serving(app) as server:
        if path == "/socket":
            return await server.websocket(path, [])
        return await server.get(path)


@pytest.mark.parametrize("handler", ["none", "async", "def", "debug"])
@pytest.mark.parametrize(
    "path",
    [
        *("/endpoint", "/later", "/started", "/http", "/middleware", "/mounted/endpoint"),
        *("/nowhere", "/socket"),
    ],
)
async def test_as_it_did_without_tasks(recorder: Recorder, path: str, handler: str) -> None:
    with_tasks: list[str] = []
    without: list[str] = []
    expected = await answer_of(make(handler, without), path)
    answer = await answer_of(make(handler, with_tasks, recorder), path)
    assert repr(answer.error) == repr(expected.error)
    assert with_tasks == without
    assert [m["type"] for m in answer.messages] == [m["type"] for m in expected.messages]
    if handler == "debug" and path in ("/endpoint", "/later", "/middleware"):
        # The traceback, in words: that of another layer, and that of the same line.
        assert all(f"in {where(path)}".encode() in one.body for one in (answer, expected))
    else:
        assert answer.messages == expected.messages
    assert recorder.last is not None
    assert recorder.last.aborted == (path == "/started")


async def test_and_what_looks_for_starlettes_error_middleware_finds_one() -> None:
    # As OpenTelemetry's instrumentation of FastAPI does before it adds its own.
    app = FastAPI()
    add_tasks(app)
    assert isinstance(app.build_middleware_stack(), ServerErrorMiddleware)


async def test_a_slow_answer_is_not_taken_for_a_busy_loop(recorder: Recorder) -> None:
    app = FastAPI()
    add_tasks(app, recorder=recorder)

    @app.exception_handler(Exception)
    async def slow(request: Request, error: Exception) -> JSONResponse:
        await anyio.sleep(60)
        return JSONResponse({}, status_code=500)

    @app.get("/")
    async def endpoint() -> None:
        raise ValueError

    async with serving(app) as server:
        assert (await server.get("/")).status == 500
    assert recorder.last is not None
    assert recorder.last.response_start == 60_000_000_000
    assert recorder.last.busy == []


def test_a_stack_that_somebody_else_made_is_wrapped_as_it_is() -> None:
    class Other:
        def __init__(self, app: Any) -> None:
            self.app = app

    app = FastAPI()
    build: Callable[[], Any] = app.build_middleware_stack
    app.build_middleware_stack = lambda: Other(build())  # type: ignore[method-assign]
    add_tasks(app)
    stack: Any = app.build_middleware_stack()
    assert isinstance(stack.app, Other)
