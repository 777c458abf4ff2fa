"""T7: what is scheduled once a request has failed keeps its mode, whoever answers the failure."""

from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from typing import Any

import anyio
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse

from fastapi_tasks import Recorder, Tasks

from .asgi import serving
from .of_each_mode import (
    DEPENDENCY,
    ENDPOINT,
    discarded_line,
    schedule_all,
    slow_send,
    told,
    work,
)

pytestmark = pytest.mark.anyio

newer = pytest.mark.skipif(
    find_spec("fastapi.sse") is None, reason="this FastAPI takes no endpoint that yields"
)

MakeApp = Callable[..., FastAPI]


class TroubleError(Exception):
    pass


def failing(app: FastAPI, kind: str, error: Exception) -> None:
    """Let `GET /` schedule tasks, and fail."""
    if kind == "async":

        @app.get("/")
        async def endpoint(request: Request, tasks: Tasks) -> None:
            request.state.tasks = tasks
            schedule_all(tasks, "endpoint")
            raise error
    else:

        @app.get("/")
        def endpoint_def(request: Request, tasks: Tasks) -> None:
            request.state.tasks = tasks
            schedule_all(tasks, "endpoint")
            raise error


@pytest.mark.parametrize("kind", ["async", "def"])
class TestAnExceptionHandler:
    """The response starts at 20 ms, its body is sent at 40 ms."""

    @pytest.mark.parametrize("handles", [TroubleError, Exception, 500], ids=str)
    @pytest.mark.parametrize("debug", [False, True])
    async def test_schedules_for_its_own_response(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        caplog: pytest.LogCaptureFixture,
        kind: str,
        handles: Any,
        debug: bool,
    ) -> None:
        if debug and handles is not TroubleError:
            pytest.skip("while debugging, Starlette answers with a page of its own")
        app = make_app(debug=debug)
        failing(app, kind, TroubleError())

        @app.exception_handler(handles)
        async def handler(request: Request, error: Exception) -> JSONResponse:
            schedule_all(request.state.tasks, "handler")
            return JSONResponse({}, status_code=503)

        async with serving(app) as server:
            timeline = await server.settle("/", on_send=slow_send)
        assert (timeline.status, timeline.error) == (503, "TroubleError")
        assert told(timeline) == [
            *ENDPOINT,
            ("handler: after_response", "ok", 40),
            ("handler: after_route", "ok", 0),
            ("handler: immediate", "ok", 0),
        ]
        lines = [r.getMessage() for r in caplog.records if r.name == "fastapi_tasks"]
        assert lines == [discarded_line("TroubleError")]

    async def test_may_be_a_plain_function(
        self, make_app: MakeApp, recorder: Recorder, kind: str
    ) -> None:
        app = make_app()
        failing(app, kind, HTTPException(404))

        @app.exception_handler(404)
        def handler(request: Request, error: Exception) -> JSONResponse:
            schedule_all(request.state.tasks, "handler")
            return JSONResponse({}, status_code=404)

        async with serving(app) as server:
            timeline = await server.settle("/", on_send=slow_send)
        assert timeline.response_start is not None
        assert told(timeline)[3][:2] == ("handler: after_response", "ok")
        assert told(timeline)[3][2] == (timeline.response_sent or 0) / 1e6
        assert [end[:2] for end in told(timeline)[4:]] == [
            ("handler: after_route", "ok"),
            ("handler: immediate", "ok"),
        ]

    async def test_that_fails_itself_leaves_nothing_waiting(
        self, make_app: MakeApp, recorder: Recorder, kind: str
    ) -> None:
        app = make_app()
        failing(app, kind, TroubleError())

        @app.exception_handler(Exception)
        async def handler(request: Request, error: Exception) -> JSONResponse:
            schedule_all(request.state.tasks, "handler")
            raise LookupError

        async with serving(app) as server:
            timeline = await server.settle("/", on_send=slow_send)
        assert (timeline.aborted, timeline.status) == (True, None)
        assert told(timeline) == [
            *ENDPOINT,
            ("handler: after_response", "ok", 0),
            ("handler: after_route", "ok", 0),
            ("handler: immediate", "ok", 0),
        ]


class TestAnImmediateTaskThatGoesOn:
    def app(self, make_app: MakeApp, **options: Any) -> FastAPI:
        """Let an immediate task schedule more at 30 ms, when the response has only started."""
        app = make_app(**options)

        async def goes_on(tasks: Any) -> None:
            await anyio.sleep(0.03)
            schedule_all(tasks, "task")

        @app.get("/")
        async def endpoint(tasks: Tasks, error: str = "") -> None:
            tasks.schedule(goes_on, tasks)
            raise HTTPException(409) if error else TroubleError

        @app.websocket("/")
        async def connection(socket: WebSocket, tasks: Tasks) -> None:
            await socket.accept()
            tasks.schedule(goes_on, tasks)
            raise TroubleError

        return app

    def later(self, sent: float) -> list[tuple[str, str | None, float | None]]:
        return [
            ("goes_on", "ok", 0),
            ("task: after_response", "ok", sent),
            ("task: after_route", "ok", 30),
            ("task: immediate", "ok", 30),
        ]

    @pytest.mark.parametrize("path", ["/", "/?error=handled"])
    @pytest.mark.parametrize("debug", [False, True])
    @pytest.mark.parametrize("middleware", ["none", "pure", "base", "answers"])
    async def test_schedules_for_the_response_whoever_sends_it(
        self, make_app: MakeApp, recorder: Recorder, path: str, debug: bool, middleware: str
    ) -> None:
        app = self.app(make_app, debug=debug)
        if middleware == "pure":

            class Pure:
                def __init__(self, app: Any) -> None:
                    self.app = app

                async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                    await self.app(scope, receive, send)

            app.add_middleware(Pure)
        elif middleware != "none":

            @app.middleware("http")
            async def base(request: Request, call_next: Any) -> Any:
                if middleware == "base":
                    return await call_next(request)
                try:
                    return await call_next(request)
                except TroubleError:
                    return JSONResponse({}, status_code=502)

        async with serving(app) as server:
            timeline = await server.settle(path, on_send=slow_send)
        unhandled = 502 if middleware == "answers" else 500
        assert timeline.status == (unhandled if path == "/" else 409)
        assert timeline.response_sent is not None
        if debug:
            # Starlette writes its page in a thread, and virtual time goes on meanwhile.
            assert timeline.response_sent >= 40_000_000
        else:
            # A BaseHTTPMiddleware sends another, empty part of the body.
            more = middleware in ("base", "answers") and path != "/"
            assert timeline.response_sent == (60_000_000 if more else 40_000_000)
        assert told(timeline) == self.later(timeline.response_sent / 1e6)

    async def test_on_a_websocket_schedules_for_its_end(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = self.app(make_app)

        class Lingers:
            """Keeps the connection for a while, as a middleware that cleans up does."""

            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                try:
                    await self.app(scope, receive, send)
                finally:
                    if scope["type"] == "websocket":
                        await anyio.sleep(0.04)

        app.add_middleware(Lingers)
        async with serving(app) as server:
            answer = await server.websocket("/", [])
            await recorder.settled()
        assert isinstance(answer.error, TroubleError)
        assert told(recorder.last) == self.later(40)


class TestAFailureBesideTheEndpoint:
    """In a dependency or a commit: it discards what waits when it happens, and nothing later."""

    def app(self, make_app: MakeApp, where: str) -> FastAPI:
        app = make_app()

        async def schedules(request: Request, tasks: Tasks) -> None:
            request.state.tasks = tasks
            schedule_all(tasks, "dependency")

        async def fails() -> None:
            raise TroubleError

        async def commits() -> AsyncIterator[None]:
            yield
            raise TroubleError

        first = Depends(commits, scope="function") if "commit" in where else Depends(work)
        before = [first, Depends(schedules)]
        if where == "late commit":
            before.reverse()
        if where == "dependency":
            before.append(Depends(fails))
        path = "/{number}" if where == "validation" else "/"

        @app.get(path, dependencies=before)
        async def endpoint(number: int = 0) -> None: ...

        return app

    @pytest.mark.parametrize("where", ["dependency", "early commit", "late commit"])
    @pytest.mark.parametrize("handles", [TroubleError, Exception])
    async def test_leaves_an_exception_handlers_tasks_alone(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        caplog: pytest.LogCaptureFixture,
        where: str,
        handles: Any,
    ) -> None:
        app = self.app(make_app, where)

        @app.exception_handler(handles)
        async def handler(request: Request, error: Exception) -> JSONResponse:
            schedule_all(request.state.tasks, "handler")
            return JSONResponse({}, status_code=503)

        async with serving(app) as server:
            timeline = await server.settle("/", on_send=slow_send)
        assert (timeline.status, timeline.error) == (503, "TroubleError")
        assert told(timeline) == [
            *DEPENDENCY,
            ("handler: after_response", "ok", 40),
            ("handler: after_route", "ok", 0),
            ("handler: immediate", "ok", 0),
        ]
        lines = [r.getMessage() for r in caplog.records if r.name == "fastapi_tasks"]
        assert lines == [discarded_line("TroubleError", "dependency")]

    async def test_of_validation_discards_what_a_dependency_has_scheduled(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with serving(self.app(make_app, "validation")) as server:
            timeline = await server.settle("/seven", on_send=slow_send)
        assert (timeline.status, timeline.error) == (422, "RequestValidationError")
        assert told(timeline) == DEPENDENCY
        assert len([r for r in caplog.records if r.name == "fastapi_tasks"]) == 1

    async def test_that_an_endpoint_handles_itself_is_none(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> str:
            try:
                raise TroubleError
            except TroubleError:
                schedule_all(tasks, "endpoint")
            return "answer"

        async with serving(app) as server:
            timeline = await server.settle("/", on_send=slow_send)
        assert (timeline.status, timeline.error) == (200, None)
        assert told(timeline) == [
            ("endpoint: after_response", "ok", 40),
            ("endpoint: after_route", "ok", 0),
            ("endpoint: immediate", "ok", 0),
        ]

    async def test_under_way_around_the_whole_request_is_none(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            schedule_all(tasks, "endpoint")

        class InPlaceOfAnother:
            """Asks the app only where something else has failed."""

            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                try:
                    raise LookupError("not in the cache")
                except LookupError:
                    await self.app(scope, receive, send)

        app.add_middleware(InPlaceOfAnother)
        async with serving(app) as server:
            timeline = await server.settle("/", on_send=slow_send)
        assert (timeline.status, timeline.error) == (200, None)
        assert [end[1] for end in told(timeline)] == ["ok"] * 3


class TestABodysFailureIsNotTheEndpoints:
    """T8: it comes after the endpoint has succeeded, so what waits for the response runs."""

    @pytest.mark.parametrize("kind", ["response", pytest.param("generator", marks=newer)])
    async def test_whether_the_endpoint_returns_a_response_or_yields(
        self, make_app: MakeApp, recorder: Recorder, kind: str
    ) -> None:
        app = make_app()

        async def body() -> AsyncIterator[bytes]:
            yield b"x"
            await anyio.sleep(0.1)
            raise TroubleError

        if kind == "response":

            @app.get("/")
            async def endpoint(tasks: Tasks) -> StreamingResponse:
                schedule_all(tasks, "endpoint")
                return StreamingResponse(body())

        else:

            async def yields(tasks: Tasks) -> AsyncIterator[bytes]:
                schedule_all(tasks, "endpoint")
                async for part in body():
                    yield part

            app.get("/", response_class=StreamingResponse)(yields)

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert (timeline.error, timeline.aborted) == (None, True)
        assert told(timeline) == [
            ("endpoint: after_response", "ok", 100),
            ("endpoint: after_route", "ok", 0),
            ("endpoint: immediate", "ok", 0),
        ]
