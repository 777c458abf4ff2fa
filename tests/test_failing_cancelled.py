"""T7: a request that is cancelled has failed, until its response has been sent."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import anyio
import pytest
from fastapi import Depends, FastAPI, Request

from fastapi_tasks import Recorder, Tasks

from .asgi import serving
from .of_each_mode import ENDPOINT, schedule_all, slow_send, told
from .virtual import now

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


class TestARequestThatIsCancelled:
    """As a middleware with a time limit does to it; the limit is half a second."""

    def app(self, make_app: MakeApp, **options: Any) -> FastAPI:
        app = make_app()

        class Limited:
            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                if scope["type"] != "http":
                    await self.app(scope, receive, send)
                    return
                with anyio.move_on_after(0.5):
                    await self.app(scope, receive, send)

        app.add_middleware(Limited)
        return app

    async def test_in_its_endpoint_has_failed(
        self, make_app: MakeApp, recorder: Recorder, anyio_backend_name: str
    ) -> None:
        app = self.app(make_app)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            schedule_all(tasks, "endpoint")
            await anyio.sleep(1)

        await self.check_failed(app, anyio_backend_name)

    async def test_while_a_function_scoped_dependency_closes_has_failed(
        self, make_app: MakeApp, recorder: Recorder, anyio_backend_name: str
    ) -> None:
        app = self.app(make_app)

        class Closes:
            """Not by FastAPI's way, which lets nobody cancel this."""

            async def __aexit__(self, *_: Any) -> None:
                await anyio.sleep(1)

        async def dependency(request: Request) -> None:
            request.scope["fastapi_function_astack"].push_async_exit(Closes())

        @app.get("/")
        async def endpoint(tasks: Tasks, db: Annotated[None, Depends(dependency)]) -> None:
            schedule_all(tasks, "endpoint")

        await self.check_failed(app, anyio_backend_name)

    async def check_failed(self, app: FastAPI, backend: str) -> None:
        async with serving(app) as server:
            timeline = await server.settle("/")
        name = {"asyncio": "CancelledError", "trio": "Cancelled"}[backend]
        assert (timeline.error, timeline.aborted, timeline.status) == (name, True, None)
        assert told(timeline) == ENDPOINT
        assert [t.finished for t in timeline.tasks] == [500_000_000, 500_000_000, 0]

    async def test_before_its_response_starts_has_failed_though_all_has_closed(
        self, make_app: MakeApp, recorder: Recorder, anyio_backend_name: str
    ) -> None:
        app = self.app(make_app)
        closed_at: list[int] = []

        async def closes_slowly() -> AsyncIterator[None]:
            yield
            # FastAPI lets nobody cancel this: it comes with the next step.
            await anyio.sleep(0.75)
            closed_at.append(now())

        @app.get("/")
        async def endpoint(
            tasks: Tasks, db: Annotated[None, Depends(closes_slowly, scope="function")]
        ) -> None:
            schedule_all(tasks, "endpoint")

        async with serving(app) as server:
            timeline = await server.settle("/", on_send=slow_send)
        if not closed_at:
            pytest.skip("this release of FastAPI has it cancelled: see above")
        assert (timeline.aborted, told(timeline)) == (True, ENDPOINT)
        assert [t.finished for t in timeline.tasks] == [750_000_000, 750_000_000, 0]

    async def test_while_a_request_scoped_dependency_closes_has_been_answered(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = self.app(make_app)

        async def closes_slowly() -> AsyncIterator[None]:
            yield
            await anyio.sleep(1)

        @app.get("/")
        async def endpoint(tasks: Tasks, db: Annotated[None, Depends(closes_slowly)]) -> None:
            schedule_all(tasks, "endpoint")

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert (timeline.error, timeline.aborted, timeline.status) == (None, False, 200)
        assert told(timeline) == [
            ("endpoint: after_response", "ok", 0),
            ("endpoint: after_route", "ok", 0),
            ("endpoint: immediate", "ok", 0),
        ]
