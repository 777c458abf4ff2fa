"""S4: the layers where others take the stack apart, patch it, or build it their own way."""

import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from fastapi_tasks import Recorder, RecordingMiddleware, Tasks, add_tasks, record, recorder_of
from fastapi_tasks.errors import FastAPITasksError

from .asgi import Answer, Server, serving
from .processes import environment

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


def endpoints(app: FastAPI) -> FastAPI:
    async def work() -> None: ...

    @app.get("/")
    async def fine(tasks: Tasks) -> str:
        tasks.schedule(work)
        tasks.after_route.schedule(work)
        tasks.after_response.schedule(work)
        return "fine"

    @app.get("/plain")
    async def plain() -> str:
        return "plain"

    @app.get("/fails")
    async def fails(request: Request, tasks: Tasks) -> None:
        request.state.tasks = tasks
        tasks.after_response.schedule(work)
        raise LookupError("no such order")

    return app


async def slow_send(_: Any) -> None:
    await anyio.sleep(0.02)


class Spy:
    """Outermost in what a monitoring tool makes: sees scopes, statuses and errors."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.saw: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.saw.append((scope["path"], message["status"]))
            await send(message)

        try:
            await self.app(scope, receive, sending if scope["type"] == "http" else send)
        except Exception as error:
            self.saw.append(type(error).__name__)
            raise


def instrument(app: FastAPI) -> list[Spy]:
    """Take the stack apart as OpenTelemetry does: only what is inside of the error layer is kept.

    What it makes: an error layer, the tool's own, another error layer with the app's handler and
    debugging, the tool's second, and then what was inside.
    """
    spies: list[Spy] = []
    app.original = app.build_middleware_stack  # type: ignore[attr-defined]

    def build(self: Any) -> Any:
        outermost = self.original()
        assert isinstance(outermost, ServerErrorMiddleware)
        errors = ServerErrorMiddleware(
            app=Spy(outermost.app), handler=outermost.handler, debug=outermost.debug
        )
        spies.append(Spy(errors))
        return ServerErrorMiddleware(app=spies[-1])

    app.build_middleware_stack = types.MethodType(build, app)  # type: ignore[method-assign]
    return spies


@pytest.mark.parametrize("order", ["add_tasks first", "instrumented first"])
class TestS4AStackTakenApart:
    def app(self, recorder: Recorder, order: str) -> tuple[FastAPI, list[Spy]]:
        app = endpoints(FastAPI())
        if order == "add_tasks first":
            add_tasks(app, recorder=recorder)
            return app, instrument(app)
        spies = instrument(app)
        add_tasks(app, recorder=recorder)
        return app, spies

    async def test_records_and_runs_the_tasks(self, recorder: Recorder, order: str) -> None:
        app, spies = self.app(recorder, order)
        async with serving(app) as server:
            answers = [await server.get("/") for _ in range(3)]
            await recorder.settled()
        assert [answer.status for answer in answers] == [200] * 3
        assert spies[-1].saw == [("/", 200)] * 3
        assert [[t.outcome for t in one.tasks] for one in recorder.timelines] == [["ok"] * 3] * 3

    async def test_sees_the_answers_of_the_tools_own_error_layer(
        self, recorder: Recorder, order: str
    ) -> None:
        app, spies = self.app(recorder, order)
        async with serving(app) as server:
            for _ in range(2):
                answer = await server.get("/fails", on_send=slow_send)
                assert (answer.status, type(answer.error)) == (500, LookupError)
        assert spies[-1].saw == [("/fails", 500), "LookupError"] * 2
        for timeline in recorder.timelines:
            assert (timeline.status, timeline.error, timeline.aborted) == (
                500,
                "LookupError",
                False,
            )
            assert timeline.response_sent == timeline.request_start + 40_000_000

    async def test_sees_them_without_a_lifespan_from_the_second_request_on(
        self, recorder: Recorder, order: str
    ) -> None:
        """A lifespan is the first call; without one, the first request is."""
        app, _ = self.app(recorder, order)
        server = Server(app)
        for _ in range(3):
            await server.get("/fails", on_send=slow_send)
        first, *others = [(one.status, one.aborted) for one in recorder.timelines]
        assert others == [(500, False)] * 2
        assert first == ((None, True) if order == "add_tasks first" else (500, False))

    async def test_keeps_the_apps_own_handler_and_debugging(
        self, recorder: Recorder, order: str
    ) -> None:
        app, _ = self.app(recorder, order)

        @app.exception_handler(Exception)
        async def handler(request: Request, error: Exception) -> JSONResponse:
            async def report() -> None: ...

            request.state.tasks.after_response.schedule(report)
            return JSONResponse({"sorry": str(error)}, status_code=503)

        async with serving(app) as server:
            answer = await server.get("/fails")
            await recorder.settled()
        assert (answer.status, answer.body) == (503, b'{"sorry":"no such order"}')
        assert recorder.last is not None
        assert [t.outcome for t in recorder.last.tasks] == ["discarded", "ok"]

    async def test_that_is_put_together_again_works(self, recorder: Recorder, order: str) -> None:
        app, spies = self.app(recorder, order)
        async with serving(app) as server:
            assert (await server.get("/")).status == 200
            app.build_middleware_stack = app.original  # type: ignore[attr-defined]
            app.middleware_stack = app.build_middleware_stack()
            assert (await server.get("/")).status == 200
            await recorder.settled()
        assert [[t.outcome for t in one.tasks] for one in recorder.timelines] == [["ok"] * 3] * 2
        assert spies[-1].saw == [("/", 200)]


TRACED_EARLY = """
import asyncio
from functools import wraps

import httpx
from starlette.middleware.errors import ServerErrorMiddleware

saw = []
original = ServerErrorMiddleware.__call__


@wraps(original)
async def traced(self, scope, receive, send):
    try:
        await original(self, scope, receive, send)
    finally:
        saw.append(scope["type"])


ServerErrorMiddleware.__call__ = traced

from fastapi import FastAPI
from fastapi_tasks import add_tasks

app = FastAPI()
add_tasks(app)


@app.get("/works")
async def works() -> None: ...


@app.get("/fails")
async def fails() -> None:
    raise LookupError


async def main() -> None:
    serving = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=serving, base_url="http://test") as client:
        for path in ("/works", "/fails"):
            answer = await client.get(path)
            saw.insert(len(saw) - 1, answer.status_code)
    print(saw)


asyncio.run(main())
"""


class TestS4WhatIsPatchedOnTheClass:
    async def test_the_error_layers_call_is_called(
        self, make_app: MakeApp, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As Elastic's and New Relic's agents do it, also when the app is up already."""
        app = endpoints(make_app())
        original = ServerErrorMiddleware.__call__
        saw: list[Any] = []

        async def traced(self: Any, scope: Any, receive: Any, send: Any) -> None:
            saw.append((scope["type"], type(self).__name__))
            try:
                await original(self, scope, receive, send)
            except Exception as error:
                saw.append(type(error).__name__)
                raise

        async with serving(app) as server:
            assert (await server.get("/")).status == 200
            assert saw == []
            monkeypatch.setattr(ServerErrorMiddleware, "__call__", traced)
            assert (await server.get("/")).status == 200
            assert (await server.get("/fails")).status == 500
            await recorder.settled()
        assert saw[:3] == [
            ("http", "ServerErrorMiddleware"),
            ("http", "ServerErrorMiddleware"),
            "LookupError",
        ]
        assert [one.status for one in recorder.timelines] == [200, 200, 500]

    def test_the_error_layers_call_is_called_though_it_was_replaced_before_the_import(
        self, tmp_path: Path
    ) -> None:
        """As agents do it that are started before the app, with the name of the original kept."""
        script = tmp_path / "traced.py"
        script.write_text(TRACED_EARLY)
        done = subprocess.run(
            [sys.executable, "-W", "error", str(script)],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert (done.stdout, done.stderr) == ("[200, 'http', 500, 'http']\n", "")

    async def test_the_stacks_builder_is_honoured_though_it_comes_after_add_tasks(
        self, make_app: MakeApp, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As ddtrace and Sentry do it."""
        app = endpoints(make_app())
        spies: list[Spy] = []

        def build(self: Any) -> Any:
            spies.append(Spy(original(self)))
            return spies[-1]

        # FastAPI may have one of its own.
        owner = next(kind for kind in FastAPI.__mro__ if "build_middleware_stack" in vars(kind))
        original = vars(owner)["build_middleware_stack"]
        monkeypatch.setattr(owner, "build_middleware_stack", build)
        async with serving(app) as server:
            assert (await server.get("/")).status == 200
            assert (await server.get("/fails", on_send=slow_send)).status == 500
            await recorder.settled()
        assert [spy.saw for spy in spies] == [[("/", 200), ("/fails", 500), "LookupError"]]
        assert [(one.status, one.aborted) for one in recorder.timelines] == [
            (200, False),
            (500, False),
        ]

    async def test_a_middleware_that_is_put_in_while_the_stack_is_built_stays(
        self, make_app: MakeApp, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = endpoints(make_app())
        owner = next(kind for kind in FastAPI.__mro__ if "build_middleware_stack" in vars(kind))
        original = vars(owner)["build_middleware_stack"]

        def build(self: Any) -> Any:
            self.user_middleware.insert(0, Middleware(Spy))
            self.user_middleware.append(Middleware(CORSMiddleware, allow_origins=["*"]))
            return original(self)

        monkeypatch.setattr(owner, "build_middleware_stack", build)
        async with serving(app) as server:
            assert (await server.get("/")).status == 200
            await recorder.settled()
        assert [one.cls for one in app.user_middleware] == [Spy, CORSMiddleware]
        assert recorder.last is not None
        assert [t.outcome for t in recorder.last.tasks] == ["ok"] * 3


class TestS4TheErrorLayer:
    async def test_is_starlettes_own_in_its_place(self, make_app: MakeApp) -> None:
        app = endpoints(make_app())
        app.add_middleware(Spy)
        without = endpoints(FastAPI())
        without.add_middleware(Spy)
        stack, plain = app.build_middleware_stack(), without.build_middleware_stack()
        assert isinstance(stack, ServerErrorMiddleware)
        assert (stack.debug, stack.handler) == (False, None)
        # What walks the stack by `app` comes by all that it would find without.
        found = [type(one).__name__ for one in walk(stack)]
        expected = [type(one).__name__ for one in walk(plain)]
        assert [name for name in found if name in expected] == expected
        assert [one.cls for one in app.user_middleware] == [Spy]

    async def test_counts_as_one(self, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
        made: list[Any] = []
        original = ServerErrorMiddleware.__init__

        def counting(self: Any, *args: Any, **options: Any) -> None:
            made.append(type(self))
            original(self, *args, **options)

        monkeypatch.setattr(ServerErrorMiddleware, "__init__", counting)
        make_app().build_middleware_stack()
        assert made == [ServerErrorMiddleware]

    @pytest.mark.parametrize("debug", [False, True])
    async def test_answers_as_starlette_answers(
        self, make_app: MakeApp, recorder: Recorder, debug: bool
    ) -> None:
        def app_of(app: FastAPI) -> FastAPI:
            @app.get("/")
            async def endpoint() -> None:
                raise LookupError("no such order")

            return app

        answers: list[Answer] = []
        for app in (app_of(FastAPI(debug=debug)), app_of(make_app(debug=debug))):
            async with serving(app) as server:
                answers.append(await server.get("/"))
        plain, tasked = answers
        assert tasked.status == plain.status == 500
        assert (str(tasked.error), type(tasked.error)) == ("no such order", LookupError)
        assert [m["type"] for m in tasked.messages] == [m["type"] for m in plain.messages]
        assert tasked.messages[0]["headers"][-1] == plain.messages[0]["headers"][-1]


def walk(stack: Any) -> Iterator[Any]:
    while stack is not None:
        yield stack
        stack = getattr(stack, "app", None)


class TestRecordingWithoutTasks:
    """Starlette apps, and any ASGI app, by the public names."""

    tells_routes = True

    def starlette(self) -> Starlette:
        async def endpoint(request: Request) -> PlainTextResponse:
            # Releases before 1.0 do not, and nothing else knows.
            self.tells_routes = "route" in request.scope
            return PlainTextResponse("fine")

        async def fails(request: Request) -> PlainTextResponse:
            raise LookupError

        return Starlette(routes=[Route("/{word}/fine", endpoint), Route("/fails", fails)])

    async def test_of_a_starlette_app(self) -> None:
        app = self.starlette()
        recorder = record(app)
        async with serving(app) as server:
            assert (await server.get("/a/fine")).body == b"fine"
            assert (await server.get("/fails")).status == 500
            await server.get("/nowhere")
        assert recorder_of(app) is recorder
        routes = ["/{word}/fine", "/fails"] if self.tells_routes else [None, None]
        assert [(t.path, t.route, t.status) for t in recorder.timelines] == [
            ("/a/fine", routes[0], 200),
            ("/fails", routes[1], 500),
            ("/nowhere", None, 404),
        ]

    async def test_of_any_asgi_app(self) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                await PlainTextResponse("raw")(scope, receive, send)
                return
            while (await receive())["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})

        recorded = RecordingMiddleware(app)
        async with serving(recorded) as server:
            assert (await server.get("/raw")).body == b"raw"
        assert recorder_of(recorded) is recorded.recorder
        assert [(t.path, t.route, t.status) for t in recorded.recorder.timelines] == [
            ("/raw", None, 200)
        ]

    async def test_around_an_app_with_tasks_leaves_those_to_it(self, recorder: Recorder) -> None:
        inner = endpoints(FastAPI())
        add_tasks(inner, recorder=recorder)
        outer = RecordingMiddleware(Starlette(routes=[Mount("/shop", inner)]))
        async with inner.router.lifespan_context(inner), serving(outer) as server:
            assert (await server.get("/shop/")).status == 200
            await recorder.settled()
        assert [(t.path, len(t.tasks)) for t in recorder.timelines] == [("/shop/", 3)]

    @pytest.mark.parametrize("watch", [False, True])
    async def test_around_an_app_with_tasks_and_the_same_recorder_is_one_request(
        self, recorder: Recorder, watch: bool
    ) -> None:
        inner = endpoints(FastAPI())
        add_tasks(inner, recorder=recorder, watch=watch)
        outer = Starlette(routes=[Mount("/shop", inner)])
        record(outer, recorder=recorder, watch=watch)
        async with inner.router.lifespan_context(inner), serving(outer) as server:
            for _ in range(2):
                assert (await server.get("/shop/")).status == 200
            await recorder.settled()
        assert [(t.path, t.route, len(t.tasks)) for t in recorder.timelines] == [
            ("/shop/", "/shop/", 3)
        ] * 2
        assert {task.outcome for t in recorder.timelines for task in t.tasks} == {"ok"}

    async def test_twice_is_refused(self) -> None:
        app = self.starlette()
        record(app)
        with pytest.raises(FastAPITasksError, match="recorded already"):
            record(app)

    @pytest.mark.parametrize("add", [add_tasks, record])
    async def test_after_the_start_is_refused(self, add: Any) -> None:
        app = FastAPI()
        async with serving(app):
            with pytest.raises(FastAPITasksError, match="after the app had started"):
                add(app)


class TestAddTasksOnAnAppOfAnotherKind:
    """Its advice is followed as it is given."""

    async def test_says_what_works_instead(self, recorder: Recorder) -> None:
        parent = Starlette()
        with pytest.raises(TypeError) as caught:
            add_tasks(parent)  # type: ignore[arg-type]
        assert str(caught.value) == (
            "add_tasks() got an object of type Starlette, and only FastAPI gives endpoints what "
            "they ask for: pass the FastAPI app itself, before wrapping it; in an app of another "
            "kind mount a FastAPI app, and call add_tasks() on that; record() records any app, "
            "without tasks"
        )
        shop = endpoints(FastAPI())
        add_tasks(shop, recorder=recorder)
        parent = Starlette(
            routes=[Mount("/shop", shop)], lifespan=lambda _: shop.router.lifespan_context(shop)
        )
        async with serving(parent) as server:
            assert (await server.get("/shop/")).status == 200
            await recorder.settled()
        assert recorder.last is not None
        assert [t.outcome for t in recorder.last.tasks] == ["ok"] * 3

    async def test_before_wrapping_it(self, recorder: Recorder) -> None:
        app = endpoints(FastAPI())
        with pytest.raises(TypeError, match="before wrapping it"):
            add_tasks(CORSMiddleware(app))  # type: ignore[arg-type]
        add_tasks(app, recorder=recorder)
        async with serving(CORSMiddleware(app)) as server:
            assert (await server.get("/")).status == 200
            await recorder.settled()
        assert recorder_of(CORSMiddleware(app)) is recorder
