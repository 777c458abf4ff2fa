"""The timing contract, T1 to T4: when each mode is released, and that nothing waits for it."""

from collections.abc import AsyncIterator
from typing import Annotated

import anyio
import pytest
from fastapi import Depends
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_tasks import Recorder, Tasks

from .asgi import Buffering, serving
from .timing import MakeApp, last, marks, slow_send, times, work
from .virtual import now

pytestmark = pytest.mark.anyio


class TestT1Immediate:
    async def test_runs_beside_the_endpoint_from_its_next_await(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(work)
            await anyio.sleep(0.03)

        async with serving(app) as server:
            await server.settle("/")
        assert times(last(recorder).tasks[0]) == (0, 0, 0, 100)
        assert marks(last(recorder)) == (30, 30, 30)

    async def test_is_released_before_but_starts_after_an_endpoint_that_never_awaits(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        order = []

        async def task() -> None:
            order.append("task")

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(task)
            (record,) = last(recorder).tasks
            assert record.released is not None
            order.append("endpoint returns")

        async def on_send(message: Message) -> None:
            order.append(message["type"])

        async with serving(app) as server:
            await server.settle("/", on_send=on_send)
        assert order == [
            "endpoint returns",
            "http.response.start",
            "http.response.body",
            "task",
        ]


class TestT2AfterRoute:
    async def test_is_released_after_function_scoped_dependencies_have_exited(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        committed = []

        async def session() -> AsyncIterator[None]:
            yield
            await anyio.sleep(0.05)
            committed.append(now())

        seen = []

        async def task() -> None:
            seen.append(list(committed))

        session_dependency = Annotated[None, Depends(session, scope="function")]

        @app.get("/before")
        async def before(db: session_dependency, tasks: Tasks) -> None:
            tasks.after_route.schedule(task)
            await anyio.sleep(0.01)

        @app.get("/after")
        async def after(tasks: Tasks, db: session_dependency) -> None:
            tasks.after_route.schedule(task)
            await anyio.sleep(0.01)

        async with serving(app) as server:
            await server.settle("/before", on_send=slow_send)
            await server.settle("/after", on_send=slow_send)
        first, second = recorder.timelines
        assert marks(first) == (10, 60, 100)
        assert times(first.tasks[0]) == (0, 60, 60, 60)
        assert marks(second) == (110, 160, 200)
        assert times(second.tasks[0]) == (100, 160, 160, 160)
        assert seen == [[60_000_000], [60_000_000, 160_000_000]]

    async def test_is_not_delayed_by_a_slow_outer_middleware(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        class Slow:
            def __init__(self, app: ASGIApp) -> None:
                self.app = app

            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                async def late(message: Message) -> None:
                    await anyio.sleep(0.2)
                    await send(message)

                await self.app(scope, receive, late if scope["type"] == "http" else send)

        app.add_middleware(Slow)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_route.schedule(work)

        async with serving(app) as server:
            await server.settle("/")
        assert times(last(recorder).tasks[0]) == (0, 0, 0, 100)
        assert marks(last(recorder)) == (0, 200, 400)

    async def test_passes_before_the_body_of_a_generator_endpoint(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> StreamingResponse:
            async def body() -> AsyncIterator[bytes]:
                for _ in range(2):
                    await anyio.sleep(0.1)
                    yield b"x"

            tasks.after_route.schedule(work, 0.05)
            return StreamingResponse(body())

        async with serving(app) as server:
            await server.settle("/")
        assert times(last(recorder).tasks[0]) == (0, 0, 0, 50)
        assert marks(last(recorder)) == (0, 0, 200)


class TestT3AfterResponse:
    async def test_is_released_when_the_servers_last_send_returned(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(work)

        async with serving(app) as server:
            await server.settle("/", on_send=slow_send)
        assert marks(last(recorder)) == (0, 0, 40)
        assert times(last(recorder).tasks[0]) == (0, 40, 40, 140)

    async def test_waits_for_a_buffering_middleware(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        app.add_middleware(Buffering, seconds=0.3)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(work)

        async with serving(app) as server:
            await server.settle("/")
        assert marks(last(recorder)) == (0, 300, 300)
        assert times(last(recorder).tasks[0]) == (0, 300, 300, 400)

    @pytest.mark.parametrize(
        ("messages", "index_of_last"),
        [
            (
                [
                    {"type": "http.response.start", "status": 200, "headers": []},
                    {"type": "http.response.body", "body": b"a", "more_body": True},
                    {"type": "http.response.body", "body": b"b"},
                ],
                2,
            ),
            (
                [
                    {"type": "http.response.start", "status": 200, "trailers": True},
                    {"type": "http.response.body", "body": b"a"},
                    {"type": "http.response.trailers", "headers": [], "more_trailers": True},
                    {"type": "http.response.trailers", "headers": []},
                ],
                3,
            ),
            (
                [
                    {"type": "http.response.start", "status": 200, "headers": []},
                    {"type": "http.response.pathsend", "path": "/file"},
                ],
                1,
            ),
            (
                [
                    {"type": "http.response.start", "status": 200, "headers": []},
                    {"type": "http.response.zerocopysend", "file": 3, "more_body": True},
                    {"type": "http.response.zerocopysend", "file": 3},
                ],
                2,
            ),
        ],
        ids=["body", "trailers", "pathsend", "zerocopysend"],
    )
    async def test_knows_the_last_message(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        messages: list[Message],
        index_of_last: int,
    ) -> None:
        app = make_app()

        class Raw(JSONResponse):
            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                for message in messages:
                    await send(message)
                await anyio.sleep(1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> Raw:
            tasks.after_response.schedule(work)
            return Raw({})

        async with serving(app) as server:
            await server.settle("/", on_send=slow_send)
        sent = 20.0 * (index_of_last + 1)
        assert marks(last(recorder)) == (0, 0, sent)
        assert times(last(recorder).tasks[0]) == (0, sent, sent, sent + 100)


class TestT4NothingBlocks:
    @pytest.mark.parametrize("mode", ["immediate", "after_route", "after_response"])
    @pytest.mark.parametrize("count", [0, 1, 10, 100])
    async def test_the_response_takes_no_longer_with_tasks(
        self, make_app: MakeApp, recorder: Recorder, mode: str, count: int
    ) -> None:
        app = make_app(tasks={"grace_period": 3600, "shutdown_timeout": 3600})

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            scheduler = tasks if mode == "immediate" else getattr(tasks, mode)
            for _ in range(count):
                scheduler.schedule(work, 1800)
            await anyio.sleep(0.01)

        async with serving(app) as server:
            await server.get("/")
            assert now() == 10_000_000
            await recorder.settled()
        assert marks(last(recorder)) == (10, 10, 10)
        assert [task.outcome for task in last(recorder).tasks] == ["ok"] * count
