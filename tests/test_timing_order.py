"""The timing contract, T5 to T7: order, late scheduling, and endpoints that fail."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio
import pytest
from fastapi import Depends, HTTPException
from fastapi.responses import JSONResponse, StreamingResponse

from fastapi_tasks import Recorder, Tasks

from .asgi import serving
from .timing import MakeApp, last, times, work
from .virtual import now

pytestmark = pytest.mark.anyio


class TestT5Order:
    async def test_releases_in_order_within_and_across_modes(
        self, make_app: MakeApp, recorder: Recorder, anyio_backend_name: str
    ) -> None:
        app = make_app()
        started = []

        async def note(name: str) -> None:
            started.append(name)
            await anyio.sleep(0.1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for number in (1, 2):
                tasks.after_response.schedule(note, f"response {number}")
                tasks.after_route.schedule(note, f"route {number}")
                tasks.schedule(note, f"immediate {number}")

        released: list[str] = []
        async with serving(app) as server:
            recorder.subscribe(
                lambda event: (
                    released.append(f"{event.task.mode} {len(released) % 2 + 1}")
                    if event.kind == "released" and event.task
                    else None
                )
            )
            await server.settle("/")
        assert released == [
            "immediate 1",
            "immediate 2",
            "after_route 1",
            "after_route 2",
            "after_response 1",
            "after_response 2",
        ]
        # They run together: six tasks of 100 ms each take 100 ms.
        assert now() == 100_000_000
        if anyio_backend_name == "asyncio":
            assert started == [
                *("immediate 1", "immediate 2", "route 1", "route 2", "response 1", "response 2")
            ]


class TestT6LateScheduling:
    async def test_releases_at_once_from_a_body_an_exit_and_a_task_that_outlived_its_request(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def outliving(tasks: Any) -> None:
            await anyio.sleep(0.5)
            tasks.schedule(work)
            tasks.after_route.schedule(work)
            tasks.after_response.schedule(work)

        async def dependency(tasks: Tasks) -> AsyncIterator[None]:
            yield
            tasks.after_route.task(name="exit route").schedule(work)
            tasks.after_response.task(name="exit response").schedule(work)

        @app.get("/", dependencies=[Depends(dependency)])
        async def endpoint(tasks: Tasks) -> StreamingResponse:
            async def body() -> AsyncIterator[bytes]:
                await anyio.sleep(0.1)
                yield b"x"
                tasks.after_route.task(name="body route").schedule(work)
                await anyio.sleep(0.1)
                tasks.after_response.task(name="body response").schedule(work)

            tasks.schedule(outliving, tasks)
            return StreamingResponse(body())

        async with serving(app) as server:
            await server.settle("/")
        assert [(t.name, *times(t)) for t in last(recorder).tasks] == [
            ("outliving", 0, 0, 0, 500),
            ("body route", 100, 100, 100, 200),
            ("body response", 200, 200, 200, 300),
            ("exit route", 200, 200, 200, 300),
            ("exit response", 200, 200, 200, 300),
            ("work", 500, 500, 500, 600),
            ("work", 500, 500, 500, 600),
            ("work", 500, 500, 500, 600),
        ]
        assert [t.parent for t in last(recorder).tasks] == [None] * 5 + [0] * 3


class TestT7EndpointFailed:
    @pytest.mark.parametrize(
        ("error", "status"), [(ValueError("x"), 500), (HTTPException(404), 404)]
    )
    async def test_discards_what_was_not_released_and_says_so_once(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        caplog: pytest.LogCaptureFixture,
        error: Exception,
        status: int,
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(work)
            tasks.after_route.task(name="audit").schedule(work)
            tasks.after_response.task(name="mail").schedule(work)
            await anyio.sleep(0.03)
            raise error

        async with serving(app) as server:
            answer = await server.get("/")
            await recorder.settled()
        timeline = last(recorder)
        assert answer.status == status
        assert timeline.error == type(error).__name__
        assert [(t.name, t.outcome, *times(t)) for t in timeline.tasks] == [
            ("work", "ok", 0, 0, 0, 100),
            ("audit", "discarded", 0, None, None, 30),
            ("mail", "discarded", 0, None, None, 30),
        ]
        assert [r.getMessage() for r in caplog.records if r.name == "fastapi_tasks"] == [
            f"GET / #1 failed with {type(error).__name__}, so its tasks are discarded: "
            "audit (after_route), mail (after_response)"
        ]

    async def test_a_returned_error_status_is_a_success(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> JSONResponse:
            tasks.after_route.schedule(work)
            tasks.after_response.schedule(work)
            return JSONResponse({}, status_code=503)

        async with serving(app) as server:
            await server.settle("/")
        assert last(recorder).error is None
        assert [task.outcome for task in last(recorder).tasks] == ["ok", "ok"]

    @pytest.mark.parametrize("error", [ValueError("x"), HTTPException(409), anyio.EndOfStream()])
    @pytest.mark.parametrize("place", ["before", "after"])
    @pytest.mark.parametrize("middleware", [False, True])
    async def test_a_failing_commit_is_a_failure(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        error: Exception,
        place: str,
        middleware: bool,
    ) -> None:
        app = make_app()

        async def commit() -> AsyncIterator[None]:
            yield
            raise error

        db = Annotated[None, Depends(commit, scope="function")]

        @app.get("/before")
        async def before(db: db, tasks: Tasks) -> None:
            tasks.after_route.schedule(work)

        @app.get("/after")
        async def after(tasks: Tasks, db: db) -> None:
            tasks.after_route.schedule(work)

        if middleware:

            @app.middleware("http")
            async def passing(request: Any, call_next: Any) -> Any:
                return await call_next(request)

        async with serving(app) as server:
            await server.settle(f"/{place}")
        assert last(recorder).error == type(error).__name__
        assert [task.outcome for task in last(recorder).tasks] == ["discarded"]

    async def test_exit_code_may_schedule_about_the_failure(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def reporting(tasks: Tasks) -> AsyncIterator[None]:
            try:
                yield
            except ValueError:
                tasks.after_response.task(name="report").schedule(work)
                raise

        @app.get("/", dependencies=[Depends(reporting)])
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.task(name="mail").schedule(work)
            raise ValueError

        async with serving(app) as server:
            await server.settle("/")
        assert [(t.name, t.outcome) for t in last(recorder).tasks] == [
            ("mail", "discarded"),
            ("report", "ok"),
        ]
