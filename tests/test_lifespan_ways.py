"""S1b: a lifespan in whatever way it is run, rebuilt, mounted, missing or failing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import anyio.from_thread
import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount

from fastapi_tasks import Recorder, Tasks, add_tasks
from fastapi_tasks.errors import FastAPITasksUninitializedAppError

from .asgi import Server, serving
from .lifespans import BACKENDS, Shop
from .virtual import now

MakeApp = Callable[..., FastAPI]


@pytest.mark.anyio
class TestS1bTheLifespanContext:
    """For those who send no lifespan messages, such as httpx.ASGITransport."""

    async def test_runs_tasks_and_drains_them_before_the_apps_own_end(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        shop = Shop(recorder)
        async with shop.app.router.lifespan_context(shop.app):
            assert (await Server(shop.app).get("/mail?seconds=3")).status == 200
            assert shop.said == ["open"]
        assert shop.said == ["open", "mail", "closed"]
        assert now() == 3_000_000_000
        assert [record.getMessage() for record in caplog.records] == [
            "shutdown: waiting up to 5 s, for shielded tasks up to 25 s: "
            "Shop.work (after_response, GET /mail #1)"
        ]

    async def test_keeps_the_limits_of_a_shutdown(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        shop = Shop(recorder, grace_period=1, shutdown_timeout=2)
        async with shop.app.router.lifespan_context(shop.app):
            await Server(shop.app).get("/mail?seconds=3")
        assert shop.said == ["open", "closed"]
        assert [t.outcome for t in recorder.timelines[0].tasks] == ["cancelled"]
        assert now() == 1_000_000_000

    async def test_serves_an_asgi_transport(self, recorder: Recorder) -> None:
        shop = Shop(recorder)
        async with shop.app.router.lifespan_context(shop.app), client_of(shop.app) as client:
            assert (await client.get("/mail")).status_code == 200
            await recorder.settled()
            assert shop.said == ["open", "mail"]

    async def test_gives_the_app_its_state(self, recorder: Recorder) -> None:
        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, str]]:
            yield {"database": "shop"}

        app = FastAPI(lifespan=lifespan)
        add_tasks(app, recorder=recorder)
        async with app.router.lifespan_context(app) as state:
            assert state == {"database": "shop"}
        async with serving(app) as server:
            assert server.state == {"database": "shop"}

    async def test_around_a_served_app_is_another_runtime(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        """A request's tasks live as long as the server that it came in by."""
        shop = Shop(recorder)
        async with serving(shop.app) as server:
            async with shop.app.router.lifespan_context(shop.app), client_of(shop.app) as client:
                await server.get("/served?seconds=1")
                await client.get("/called?seconds=2")
            assert shop.said == ["open", "open", "served", "called", "closed"]
            assert (await server.get("/two?seconds=3")).status == 200
        assert shop.said[5:] == ["two", "closed"]
        assert now() == 5_000_000_000

    async def test_drains_though_the_block_raises(self, recorder: Recorder) -> None:
        shop = Shop(recorder)

        async def fails() -> None:
            async with shop.app.router.lifespan_context(shop.app):
                await Server(shop.app).get("/mail?seconds=1")
                raise LookupError("in the test")

        with pytest.raises(LookupError, match="in the test"):
            await fails()
        assert shop.said == ["open", "mail", "closed"]


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")


@pytest.mark.anyio
class TestS1bAStackBuiltAnew:
    async def test_in_the_lifespan_runs_tasks_all_the_same(self, recorder: Recorder) -> None:
        ran: list[str] = []

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            app.user_middleware.insert(0, Middleware(GZipMiddleware, minimum_size=1))
            app.middleware_stack = app.build_middleware_stack()
            yield
            ran.append("closed")

        app = FastAPI(lifespan=lifespan)
        add_tasks(app, recorder=recorder)

        async def work() -> None:
            await anyio.sleep(1)
            ran.append("work")

        @app.get("/")
        async def endpoint(tasks: Tasks) -> str:
            tasks.after_response.schedule(work)
            return "answer"

        async with serving(app) as server:
            answer = await server.get("/")
        assert answer.status == 200
        assert ran == ["work", "closed"]
        assert len(recorder.timelines) == 1


@pytest.mark.anyio
class TestAppsWithin:
    """`add_tasks` on an app that is mounted in another, whose advice is followed as it is given."""

    async def test_below_a_starlette_app_it_takes_a_lifespan_that_enters_its_own(
        self, recorder: Recorder
    ) -> None:
        shop = Shop(recorder)
        parent = Starlette(routes=[Mount("/shop", shop.app)])
        async with serving(parent) as server:
            error = (await server.get("/shop/mail")).error
        assert isinstance(error, FastAPITasksUninitializedAppError)
        assert str(error) == (
            "GET /shop/mail #1 asks for Tasks, but its app's lifespan is not running, so its tasks "
            "would have nobody to end them: no lifespan of a mounted app runs by itself. Call "
            "add_tasks() on the app that it is mounted in, if that is a FastAPI app too; or enter "
            "this app's lifespan in that one's: `async with app.router.lifespan_context(app)`"
        )

        app = shop.app

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with app.router.lifespan_context(app):
                yield

        parent = Starlette(routes=[Mount("/shop", app)], lifespan=lifespan)
        async with serving(parent) as server:
            assert (await server.get("/shop/mail?seconds=1")).status == 200
        assert shop.said == ["open", "mail", "closed"]
        assert now() == 1_000_000_000

    async def test_below_a_fastapi_app_that_one_may_have_the_tasks(
        self, recorder: Recorder
    ) -> None:
        shop = Shop()
        parent = FastAPI()
        parent.mount("/shop", shop.app)
        add_tasks(parent, recorder=recorder)
        async with serving(parent) as server:
            assert (await server.get("/shop/mail?seconds=1")).status == 200
        # Nobody has started the mounted app's own lifespan.
        assert shop.said == ["mail"]
        assert [(t.path, t.route) for t in recorder.timelines] == [("/shop/mail", "/shop/{word}")]
        assert shop.recorder.timelines == []


@pytest.mark.anyio
class TestAServerWithoutALifespan:
    async def test_is_told_to_enter_it_around_and_that_works(self, recorder: Recorder) -> None:
        shop = Shop(recorder)
        error = (await Server(shop.app).get("/mail")).error
        assert isinstance(error, FastAPITasksUninitializedAppError)
        app = shop.app
        assert "`async with app.router.lifespan_context(app)`" in str(error)
        async with app.router.lifespan_context(app):
            assert (await Server(app).get("/mail")).status == 200
        assert shop.said == ["open", "mail", "closed"]

    def test_the_way_of_a_wsgi_bridge_works_too(self) -> None:
        """It keeps a loop in a thread, and enters the lifespan there."""
        shop = Shop()
        app = shop.app
        with (
            anyio.from_thread.start_blocking_portal() as portal,
            portal.wrap_async_context_manager(app.router.lifespan_context(app)),
        ):
            answer = portal.call(Server(app).get, "/mail")
        assert answer.status == 200
        assert shop.said == ["open", "mail", "closed"]


class TroubleError(Exception):
    pass


@pytest.mark.parametrize("backend", BACKENDS)
class TestALifespansErrors:
    """They come out as themselves, as they do without tasks."""

    @pytest.mark.parametrize("when", ["startup", "shutdown"])
    def test_of_the_app(self, backend: Any, when: str) -> None:
        error = TroubleError("no database")

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            if when == "startup":
                raise error
            yield
            raise error

        app = FastAPI(lifespan=lifespan)
        add_tasks(app)
        with pytest.raises(TroubleError) as caught, TestClient(app, backend=backend):
            pass
        assert caught.value is error

    def test_of_a_middleware(self, backend: Any) -> None:
        class Broken:
            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                if scope["type"] == "lifespan":
                    raise TroubleError("no middleware")
                await self.app(scope, receive, send)

        app = FastAPI()
        add_tasks(app)
        app.add_middleware(Broken)
        with pytest.raises(TroubleError, match="no middleware"), TestClient(app, backend=backend):
            pass

    def test_while_tasks_run(self, backend: Any) -> None:
        recorder = Recorder()

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            yield
            raise TroubleError("database lost")

        app = FastAPI(lifespan=lifespan)
        add_tasks(app, recorder=recorder, grace_period=0, shutdown_timeout=0)

        async def stubborn() -> None:
            with anyio.CancelScope(shield=True):
                while True:
                    with suppress(BaseException):
                        await anyio.sleep(3600)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(stubborn)

        with (
            pytest.raises(TroubleError, match="database lost"),
            TestClient(app, backend=backend) as client,
        ):
            client.get("/")
        assert [t.outcome for one in recorder.timelines for t in one.tasks] == ["abandoned"]

    def test_in_the_lifespan_context(self, backend: Any) -> None:
        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            yield
            raise TroubleError("at its end")

        app = FastAPI(lifespan=lifespan)
        add_tasks(app)

        async def main(inside: BaseException | None) -> None:
            async with app.router.lifespan_context(app):
                if inside:
                    raise inside

        with pytest.raises(TroubleError, match="at its end"):
            anyio.run(main, None, backend=backend)
        with pytest.raises(TroubleError, match="inside"):
            anyio.run(main, TroubleError("inside"), backend=backend)
