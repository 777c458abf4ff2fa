"""Workers that an app starts in its lifespan: in a group of their own, as they are no request's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fastapi_tasks import Recorder, RecordingMiddleware, add_tasks, from_json, record, to_json
from fastapi_tasks.watch.here import spanning
from visualize import explain, summary, text, to_perfetto

from .asgi import serving
from .watching import whole

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

Give = Callable[..., Recorder]


class Shop:
    """An app with two workers; requests hand their work to one of them."""

    def __init__(self) -> None:
        self.jobs: asyncio.Queue[str] = asyncio.Queue()
        self.app = FastAPI(lifespan=self.lifespan)
        self.app.get("/order")(self.order)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(self.work()), group.create_task(self.refresh())]
            yield
            for worker in workers:
                worker.cancel()

    async def work(self) -> None:
        while True:
            name = await self.jobs.get()
            with spanning(name, "http"):
                await asyncio.create_task(self.send())
            self.jobs.task_done()

    async def send(self) -> None:
        time.sleep(0.12)  # noqa: ASYNC251

    async def refresh(self) -> None:
        await asyncio.sleep(3600)

    async def order(self) -> None:
        await self.jobs.put("POST mails")


@pytest.fixture
def shop() -> Shop:
    return Shop()


WORKERS = [
    "spawned Shop.work: cancelled",
    "  http POST mails",
    "  http POST mails",
    "  spawned Shop.send: ok",
    "  spawned Shop.send: ok",
    "spawned Shop.refresh: cancelled",
]


@pytest.mark.parametrize("give", [add_tasks, record])
async def test_they_stand_apart_from_all_requests(give: Give, shop: Shop) -> None:
    recorder = give(shop.app, recorder=Recorder(maxlen=2), watch=True)
    async with serving(shop.app) as server:
        for _ in range(2):
            await server.get("/order")
            await shop.jobs.join()
        await recorder.settled(timeout=1)
        lifespan = recorder.timelines[0]
        assert lifespan.request_end is None
    first, *requests = recorder.timelines
    assert (first.kind, first.title) == ("lifespan", "lifespan of the app #1")
    assert whole(first) == WORKERS
    assert first.settled
    assert [(one.path, one.tasks) for one in requests] == [("/order", [])] * 2
    assert recorder.dropped == 0
    # What a worker holds is its own, and its own only.
    assert {busy.culprit for busy in first.busy} == {"Shop.send"}


@pytest.mark.parametrize("give", [add_tasks, record])
async def test_the_line_is_named_by_which_one_holds_the_loop(give: Give) -> None:
    """It has begun before somebody looked at the loop."""
    asked = asyncio.Event()

    async def hold() -> None:
        while True:
            await asked.wait()
            asked.clear()
            time.sleep(0.12)  # noqa: ASYNC251

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        worker = asyncio.create_task(hold())
        await asyncio.sleep(0)
        yield
        worker.cancel()

    app = FastAPI(lifespan=lifespan)
    recorder = give(app, watch=True)

    @app.get("/")
    async def ask() -> None:
        asked.set()
        await asyncio.sleep(0.01)

    async with serving(app) as server:
        for _ in range(2):
            await server.settle("/")
    first, *requests = recorder.timelines
    told = [(one.culprit, one.line) for timeline in (first, *requests) for one in timeline.busy]
    (line,) = {line for _, line in told}
    assert line is not None
    assert "test_watch_lifespan.py:" in line
    assert line.endswith(" in hold")
    # Each time by itself and by the request, once.
    assert len(told) == 4
    assert {culprit.partition(" of ")[0] for culprit, _ in told} == {"hold"}


async def test_they_take_no_numbers_from_the_requests(shop: Shop) -> None:
    recorder = record(shop.app, watch=True)
    for _ in range(2):
        async with serving(shop.app) as server:
            await server.get("/order")
            await shop.jobs.join()
    assert [(one.id, one.title) for one in recorder.timelines] == [
        (-1, "lifespan of the app #1"),
        (1, "GET /order #1"),
        (-2, "lifespan of the app #2"),
        (2, "GET /order #2"),
    ]
    assert recorder.dropped == 0
    recorder.clear()
    assert (recorder.timelines, recorder.dropped) == ([], 0)


async def test_around_any_app_they_do_too(shop: Shop) -> None:
    around = RecordingMiddleware(shop.app, watch=True)
    async with serving(around) as server:
        for _ in range(2):
            await server.get("/order")
            await shop.jobs.join()
    assert whole(around.recorder.timelines[0]) == WORKERS


async def test_where_the_lifespan_starts_nothing_there_is_no_such_group() -> None:
    app = FastAPI()
    recorder = record(app, watch=True)
    async with serving(app) as server:
        await server.get("/none")
    assert [one.title for one in recorder.timelines] == ["GET /none #1"]


async def test_unwatched_there_is_none(shop: Shop) -> None:
    recorder = record(shop.app)
    async with serving(shop.app) as server:
        await server.get("/order")
        await shop.jobs.join()
    assert [one.kind for one in recorder.timelines] == ["http"]


async def test_a_worker_that_asks_its_own_app_makes_requests(recorder: Recorder) -> None:
    asked = asyncio.Event()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(ask())
        yield
        await task

    async def ask() -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            await client.get("/none")
        asked.set()

    app = FastAPI(lifespan=lifespan)
    record(app, recorder=recorder, watch=True)
    async with serving(app):
        await asked.wait()
    first, second = recorder.timelines
    assert whole(first) == ["spawned ask: ok", "  http GET shop"]
    assert (second.title, second.status, second.tasks) == ("GET /none #1", 404, [])


async def test_a_factory_that_the_app_sets_around_ours_makes_no_second_bar(shop: Shop) -> None:
    def around(loop: Any, coroutine: Any, **options: Any) -> Any:
        return inside(loop, coroutine, **options)

    inside: Any = None
    work = shop.lifespan

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        nonlocal inside
        loop = asyncio.get_running_loop()
        inside = loop.get_task_factory()
        loop.set_task_factory(around)
        async with work(app):
            yield

    shop.app.router.lifespan_context = lifespan
    recorder = record(shop.app, watch=True)
    async with serving(shop.app) as server:
        for _ in range(2):
            await server.get("/order")
            await shop.jobs.join()
    assert whole(recorder.timelines[0]) == WORKERS


async def test_every_painter_shows_them(shop: Shop) -> None:
    recorder = record(shop.app, watch=True)
    async with serving(shop.app) as server:
        await server.get("/order")
        await shop.jobs.join()
    told = to_json(recorder.timelines)
    assert from_json(told) == recorder.timelines
    assert "lifespan of the app #1" in text(recorder.timelines)
    assert "Shop.refresh" in text(recorder.timelines)
    assert "lifespan of the app #1" in to_perfetto(recorder.timelines)
    assert "lifespan of the app" in str(summary(recorder.timelines))
    assert [one.rule for one in explain(recorder.timelines)] == ["loop_held"]
