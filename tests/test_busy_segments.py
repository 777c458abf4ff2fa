"""What held the event loop, as the recorder has it."""

import threading
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI

from fastapi_tasks import (
    Busy,
    Recorder,
    Tasks,
    add_tasks,
)

from .asgi import serving
from .samples import MS

MakeApp = Callable[..., FastAPI]


class Ticking:
    """A clock that moves only when code says that it takes time."""

    def __init__(self) -> None:
        self.time = 0

    def __call__(self) -> int:
        return self.time

    def work(self, milliseconds: int) -> None:
        self.time += milliseconds * MS


@pytest.mark.anyio
class TestBusySegments:
    async def test_name_the_step_that_held_the_event_loop(self) -> None:
        clock = Ticking()
        app = FastAPI()
        recorder = add_tasks(app, recorder=Recorder(clock=clock))
        checkpoint = anyio.lowlevel.checkpoint

        async def greedy() -> None:
            clock.work(20)
            await checkpoint()
            clock.work(21)
            await checkpoint()
            clock.work(5)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(greedy)
            clock.work(50)
            await checkpoint()
            clock.work(10)

        async with serving(app) as server:
            await server.settle("/")
        assert recorder.timelines[0].busy == [
            Busy(0, 50 * MS, "GET / #1", None),
            Busy(80 * MS, 101 * MS, "greedy", 0),
        ]

    @pytest.mark.parametrize("middleware", ["none", "pure", "own task"])
    async def test_are_found_once_below_middlewares(self, middleware: str) -> None:
        clock = Ticking()
        app = FastAPI()
        recorder = add_tasks(app, recorder=Recorder(clock=clock))

        class Pure:
            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                await self.app(scope, receive, send)

        if middleware == "pure":
            app.add_middleware(Pure)
        elif middleware == "own task":

            @app.middleware("http")
            async def passing(request: Any, call_next: Any) -> Any:
                return await call_next(request)

        @app.get("/")
        async def endpoint() -> None:
            clock.work(30)

        async with serving(app) as server:
            await server.get("/")
        assert recorder.timelines[0].busy == [Busy(0, 30 * MS, "GET / #1", None)]

    async def test_appear_in_the_timelines_of_the_requests_they_held_up(self) -> None:
        clock = Ticking()
        app = FastAPI()
        recorder = add_tasks(app, recorder=Recorder(clock=clock))
        go = anyio.Event()

        async def greedy() -> None:
            await go.wait()
            clock.work(100)

        @app.get("/culprit")
        async def culprit(tasks: Tasks) -> None:
            tasks.schedule(greedy)

        @app.get("/victim")
        async def victim() -> None:
            go.set()
            await anyio.wait_all_tasks_blocked()

        async with serving(app) as server:
            await server.get("/culprit")
            await server.settle("/victim")
        first, second = recorder.timelines
        assert first.busy == [Busy(0, 100 * MS, "greedy", 0)]
        assert second.busy == [Busy(0, 100 * MS, "greedy of GET /culprit #1", None)]

    async def test_do_not_count_threads(self) -> None:
        clock = Ticking()
        app = FastAPI()
        recorder = add_tasks(app, recorder=Recorder(clock=clock))
        gate, ran = threading.Event(), threading.Event()

        def in_thread() -> None:
            # Not before the step of the loop is over that hands this over.
            assert gate.wait(30)
            clock.work(500)
            ran.set()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(in_thread)

        async with serving(app) as server:
            await server.get("/")
            await anyio.wait_all_tasks_blocked()
            gate.set()
            await recorder.settled()
        assert ran.is_set()
        assert recorder.timelines[0].busy == []
