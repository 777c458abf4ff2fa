"""record() of apps that are neither FastAPI's nor Starlette's, and of apps inside of others."""

from __future__ import annotations

import asyncio
import copy
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from fastapi_tasks import Recorder, RecordingMiddleware, add_tasks, record, recorder_of
from fastapi_tasks.errors import FastAPITasksError

from .asgi import serving
from .watching import tree, whole


class Shop:
    """An app of no framework, whose objects have room for nothing but their names."""

    __slots__ = ("name",)

    def __init__(self, name: str = "shop") -> None:
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await PlainTextResponse(self.name)(scope, receive, send)
            return
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})


async def who() -> str:
    return "me"


def fastapi_app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def order(user: str = Depends(who)) -> str:
        return user

    return app


def test_litestar_is_recorded_and_watched_and_stays_what_is_served() -> None:
    litestar = pytest.importorskip("litestar", reason="litestar is not installed")

    async def work() -> None:
        await asyncio.Event().wait()

    async def note() -> None: ...

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        worker = asyncio.create_task(work())
        yield
        worker.cancel()

    @litestar.get("/books")
    async def show() -> dict[str, int]:
        await asyncio.create_task(note())
        return {"books": 7}

    # Its own logging would be that of all tests after this one.
    app = litestar.Litestar([show], lifespan=[lifespan], logging_config=None)
    recorder = record(app, watch=True)
    assert isinstance(app, litestar.Litestar)
    assert recorder_of(app) is recorder

    async def use() -> None:
        async with serving(app) as server:
            assert (await server.get("/books")).body == b'{"books":7}'
            assert (await server.get("/nothing")).status == 404

    asyncio.run(use())
    told = [(one.kind, one.title, one.route, one.status) for one in recorder.timelines]
    assert told == [
        ("lifespan", "lifespan of the app #1", None, None),
        ("http", "GET /books #1", "/books", 200),
        ("http", "GET /nothing #2", None, 404),
    ]
    assert whole(recorder.timelines[1]) == ["sending response", "spawned note: ok"]


@pytest.mark.anyio
class TestAnAppOfNoFramework:
    async def test_is_recorded_alone_among_its_kind(self, recorder: Recorder) -> None:
        app, other = Shop(), Shop("other")
        assert record(app, recorder=recorder) is recorder
        for one in (other, app):
            async with serving(one) as server:
                assert (await server.get("/")).body == one.name.encode()
        (timeline,) = recorder.timelines
        assert (timeline.status, timeline.response_sent is not None) == (200, True)
        assert (isinstance(app, Shop), repr(type(app))) == (True, repr(Shop))
        assert (recorder_of(app), recorder_of(other)) == (recorder, None)

    async def test_answers_for_itself_as_a_copy_too(self, recorder: Recorder) -> None:
        app = Shop()
        record(app, recorder=recorder)
        copied = copy.deepcopy(app)
        copied.name = "copy"
        async with serving(copied) as server:
            assert (await server.get("/")).body == b"copy"

    async def test_inside_of_another_that_is_recorded_is_recorded_once(
        self, recorder: Recorder
    ) -> None:
        app = Shop()
        record(app, recorder=recorder)
        outer = RecordingMiddleware(app)
        async with serving(outer) as server:
            await server.get("/")
        assert len(outer.recorder.timelines) == 1
        assert recorder.timelines == []


@pytest.mark.anyio
class TestAnAppInsideOfOthers:
    async def test_is_recorded_once_from_the_outside_and_seen_within(
        self, recorder: Recorder
    ) -> None:
        inside = fastapi_app()
        inside.add_middleware(CORSMiddleware)
        app = CORSMiddleware(Slow(inside))
        record(app, recorder=recorder, watch=True)
        async with serving(app) as server:
            timeline = await server.settle("/")
        assert recorder.timelines == [timeline]
        assert timeline.response_start is not None
        assert timeline.response_start == 1_000_000_000  # as what stands outside passed it on
        assert "  dependency who" in tree(timeline)
        assert tree(timeline)[0] == "middleware CORSMiddleware"

    async def test_that_has_started_is_recorded_from_the_outside_alone(
        self, recorder: Recorder
    ) -> None:
        inside = fastapi_app()
        async with serving(inside):
            app = CORSMiddleware(inside)
            record(app, recorder=recorder)
            async with serving(app) as server:
                await server.get("/")
        assert [one.status for one in recorder.timelines] == [200]


class Slow:
    """Passes the beginning of the answer on after a second."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def late(message: Any) -> None:
            if message["type"] == "http.response.start":
                await anyio.sleep(1)
            await send(message)

        await self.app(scope, receive, late)


def with_tasks() -> Any:
    inside = fastapi_app()
    add_tasks(inside)
    return CORSMiddleware(inside)


def recorded() -> Any:
    app = Shop()
    record(app)
    return app


@pytest.mark.parametrize(
    "make", [with_tasks, recorded, lambda: RecordingMiddleware(Shop())], ids=["tasks", "own", "in"]
)
def test_twice_is_refused(make: Any) -> None:
    app = make()
    with pytest.raises(FastAPITasksError) as caught:
        record(app)
    assert str(caught.value) == (
        "record() was called on an app that is recorded already, so all would happen in two "
        "places: call add_tasks() or record(), and once; the recorder is recorder_of(app)"
    )


async def function(scope: Scope, receive: Receive, send: Send) -> None: ...


@pytest.mark.parametrize("app", [function, functools.partial(function), Shop().__call__, 7])
def test_what_nobody_can_come_before_is_refused_with_what_to_do(app: Any) -> None:
    with pytest.raises(TypeError) as caught:
        record(app)
    assert str(caught.value) == (
        f"record() got an object of type {type(app).__name__}, whose calls nobody can come "
        "between: serve RecordingMiddleware(app) in its place"
    )
