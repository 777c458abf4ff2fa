"""Starlette's BackgroundTasks: their moments, their end, and what a failing hook does."""

from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fastapi_tasks import Recorder, add_tasks, record
from fastapi_tasks.request import SCOPE_KEY
from fastapi_tasks.watch import background, hook

from .asgi import serving
from .virtual import block
from .watching import whole

pytestmark = pytest.mark.anyio


async def work() -> None:
    block(0.1)


async def nothing() -> None: ...


def fail() -> None:
    raise ConnectionError


async def test_one_that_never_runs_is_discarded_when_that_is_decided(recorder: Recorder) -> None:
    app = FastAPI()
    add_tasks(app, recorder=recorder, watch=True)

    @app.get("/first-fails")
    async def first_fails(tasks: BackgroundTasks) -> None:
        tasks.add_task(work)
        tasks.add_task(fail)
        tasks.add_task(work)

    @app.get("/endpoint-fails")
    async def endpoint_fails(tasks: BackgroundTasks) -> None:
        tasks.add_task(work)
        raise ConnectionError

    async with serving(app) as server:
        timeline = await server.settle("/first-fails")
        _, failed, discarded = timeline.tasks
        assert (discarded.outcome, discarded.released, discarded.started) == (
            "discarded",
            None,
            None,
        )
        assert discarded.finished == failed.finished
        timeline = await server.settle("/endpoint-fails")
        (discarded,) = timeline.tasks
        assert (discarded.outcome, discarded.finished) == ("discarded", timeline.endpoint_end)


async def test_one_that_is_added_by_another_is_not_released_before_it_is(
    recorder: Recorder,
) -> None:
    app = FastAPI()
    add_tasks(app, recorder=recorder, watch=True)

    @app.get("/")
    async def endpoint(tasks: BackgroundTasks) -> None:
        async def add_more() -> None:
            block(0.2)
            tasks.add_task(work)
            block(0.3)

        tasks.add_task(add_more)

    async with serving(app) as server:
        timeline = await server.settle("/")
    first, second = timeline.tasks
    assert (second.name, second.parent, second.outcome) == ("work", first.id, "ok")
    assert second.released == second.requested
    assert second.waited == 300_000_000


async def test_one_that_runs_twice_is_recorded_once(recorder: Recorder) -> None:
    app = FastAPI()
    add_tasks(app, recorder=recorder, watch=True)

    @app.get("/")
    async def endpoint() -> Response:
        task = BackgroundTask(work)
        await task()
        return Response(background=task)

    async with serving(app) as server:
        timeline = await server.settle("/")
    assert [(one.outcome, one.ran) for one in timeline.tasks] == [("ok", 100_000_000)]


async def test_a_connection_that_lasts_keeps_few_of_those_that_have_ended(
    recorder: Recorder,
) -> None:
    app = FastAPI()
    add_tasks(app, recorder=recorder, watch=True)
    most = 0

    @app.websocket("/")
    async def endpoint(websocket: WebSocket) -> None:
        nonlocal most
        await websocket.accept()
        for _ in range(5000):
            await BackgroundTask(nothing)()
            most = max(most, len(websocket.scope[SCOPE_KEY].background))

    async with serving(app) as server:
        await server.websocket("/", [])
    assert recorder.last is not None
    assert len(recorder.last.tasks) + recorder.last.tasks_dropped == 5000
    assert most <= 1000


class AnswersEverything:
    """As the proxies of xmlrpc.client do."""

    def __init__(self, calls: list[int]) -> None:
        self.calls = calls

    def __getattr__(self, name: str) -> "AnswersEverything":
        return self

    def __call__(self, value: int) -> None:
        self.calls.append(value)


async def test_one_whose_name_is_no_text_runs_and_is_recorded(recorder: Recorder) -> None:
    app = FastAPI()
    add_tasks(app, recorder=recorder, watch=True)
    calls: list[int] = []

    @app.get("/")
    async def endpoint(tasks: BackgroundTasks) -> None:
        tasks.add_task(AnswersEverything(calls), 7)

    async with serving(app) as server:
        timeline = await server.settle("/")
    assert calls == [7]
    assert [(one.name, one.outcome) for one in timeline.tasks] == [("AnswersEverything", "ok")]


@pytest.mark.parametrize("part", ["_requested", "_released", "_mark", "discard"])
async def test_a_hook_that_fails_never_reaches_the_app(
    part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise OverflowError

    broken.__qualname__ = part
    monkeypatch.setattr(background, part, broken)
    monkeypatch.setattr(hook, "_failed", set())
    done = []
    app = FastAPI()
    add_tasks(app, watch=True)

    @app.get("/")
    async def endpoint(tasks: BackgroundTasks) -> None:
        tasks.add_task(done.append, "in a thread")

    async with serving(app) as server:
        for _ in range(2):
            assert (await server.get("/")).status == 200
    assert done == ["in a thread"] * 2
    assert len(caplog.records) == 1
    assert part in caplog.text


# Endpoints of Starlette alone -----------------------------------------------------------------


async def answer(request: Request) -> Response:
    block(0.1)
    return PlainTextResponse("a", background=BackgroundTask(work))


def answer_in_thread(request: Request) -> Response:
    return PlainTextResponse("b")


class Answering(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("c")


class Whole:
    """An app of its own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("d")(scope, receive, send)
        block(0.1)


async def refuse(request: Request) -> Response:
    raise KeyError("a secret")


PLAIN = {
    "/function": (answer, ["endpoint answer", "sending response", "background work: ok"]),
    "/def": (answer_in_thread, ["endpoint answer_in_thread", "sending response"]),
    "/class": (Answering, ["endpoint Answering", "sending response"]),
    "/app": (Whole(), ["endpoint Whole", "sending response"]),
    "/fails": (refuse, ["endpoint refuse ! KeyError", "sending response"]),
}


@pytest.mark.parametrize("path", PLAIN)
async def test_an_endpoint_of_starlettes_is_a_span(path: str, recorder: Recorder) -> None:
    endpoint, lines = PLAIN[path]
    app = Starlette(routes=[Route(path, endpoint)])
    record(app, recorder=recorder, watch=True)
    async with serving(app) as server:
        timeline = await server.settle(path)
    assert whole(timeline) == lines
    assert timeline.endpoint_start is not None
    assert timeline.endpoint_end is not None
    assert timeline.error == ("KeyError" if path == "/fails" else None)
    (span,) = (one for one in timeline.spans if one.kind == "endpoint")
    # A function has ended before its response is sent.
    assert span.lasted == {"/function": 100_000_000, "/app": 100_000_000}.get(path, 0)
