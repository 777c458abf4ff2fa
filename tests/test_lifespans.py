"""S1b: one lifespan is one runtime, however many of them an app has, and however they are run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import anyio.from_thread
import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount

from fastapi_tasks import Recorder, Tasks, add_tasks
from fastapi_tasks.errors import FastAPITasksUninitializedAppError

from .asgi import Server, serving
from .virtual import VirtualLoop, now

MakeApp = Callable[..., FastAPI]
BACKENDS = ["asyncio", "trio"]
PATIENCE = 30


class Shop:
    """An app that says when its lifespans begin and end, and in which thread its tasks run."""

    def __init__(self, recorder: Recorder | None = None, **options: Any) -> None:
        self.said: list[str] = []
        self.threads: dict[str, int] = {}
        self.app = FastAPI(lifespan=self.lifespan)
        self.recorder = add_tasks(self.app, recorder=recorder, **options)

        @self.app.get("/{word}")
        async def endpoint(word: str, tasks: Tasks, seconds: float = 0, after: str = "") -> int:
            tasks.after_response.schedule(self.work, word, seconds, after)
            return threading.get_ident()

    @asynccontextmanager
    async def lifespan(self, _: Any) -> AsyncIterator[None]:
        self.said.append("open")
        try:
            yield
        finally:
            self.said.append("closed")

    async def work(self, word: str, seconds: float = 0, after: str = "") -> None:
        await anyio.sleep(seconds)
        while after and after not in self.said:
            await anyio.sleep(0.001)
        self.threads[word] = threading.get_ident()
        self.said.append(word)


@pytest.mark.parametrize("backend", BACKENDS)
class TestTestClients:
    def test_nested_ones_each_run_the_tasks_of_their_requests(self, backend: Any) -> None:
        shop = Shop()
        answered: dict[str, int] = {}

        def ask(client: TestClient, word: str) -> None:
            answered[word] = client.get(f"/{word}").json()

        with TestClient(shop.app, backend=backend) as outer:
            ask(outer, "before")
            with TestClient(shop.app, backend=backend) as inner:
                ask(inner, "inner")
                ask(outer, "meanwhile")
            ask(outer, "after")
            shop.recorder.wait_settled(PATIENCE)
        assert shop.threads == answered
        assert len(set(answered.values())) == 2
        assert sorted(shop.said) == sorted([*answered, "open", "open", "closed", "closed"])

    def test_that_end_in_the_order_in_which_they_began(self, backend: Any) -> None:
        shop = Shop()
        first, second = (TestClient(shop.app, backend=backend) for _ in range(2))
        first.__enter__()
        second.__enter__()
        first.get("/first")
        first.__exit__()
        assert shop.said[2:] == ["first", "closed"]
        assert second.get("/second").status_code == 200
        second.__exit__()
        assert shop.said[4:] == ["second", "closed"]

    def test_one_after_another(self, backend: Any) -> None:
        shop = Shop()
        for word in ("first", "second"):
            with TestClient(shop.app, backend=backend) as client:
                client.get(f"/{word}")
        assert shop.said == ["open", "first", "closed", "open", "second", "closed"]

    def test_one_without_a_lifespan_beside_one_that_has_one(self, backend: Any) -> None:
        shop = Shop()
        with TestClient(shop.app, backend=backend) as client:
            with pytest.raises(FastAPITasksUninitializedAppError, match="another event loop"):
                TestClient(shop.app, backend=backend).get("/alone")
            assert client.get("/with").status_code == 200
        assert shop.said == ["open", "with", "closed"]

    def test_of_one_loop_while_another_drains(self, backend: Any) -> None:
        shop = Shop()
        with TestClient(shop.app, backend=backend) as outer:
            inner = TestClient(shop.app, backend=backend)
            inner.__enter__()
            inner.get("/slow", params={"after": "outer"})
            leaving = threading.Thread(target=inner.__exit__)
            leaving.start()
            assert outer.get("/outer").status_code == 200
            leaving.join(PATIENCE)
            shop.recorder.wait_settled(PATIENCE)
        assert shop.said == ["open", "open", "outer", "slow", "closed", "closed"]


@pytest.mark.anyio
class TestTwoServersOnOneLoop:
    async def test_run_the_tasks_of_all_requests(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        shop = Shop(recorder)
        async with serving(shop.app) as outer:
            async with serving(shop.app) as inner:
                await inner.get("/inner?seconds=2")
                await outer.get("/outer?seconds=1")
            assert now() == 2_000_000_000
            await outer.get("/after?seconds=1")
        assert shop.said == ["open", "open", "outer", "inner", "closed", "after", "closed"]
        assert now() == 3_000_000_000

    async def test_one_serves_on_while_the_other_drains(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        shop = Shop(recorder, grace_period=1, shutdown_timeout=2)
        over = anyio.Event()

        async def second() -> None:
            async with serving(shop.app) as server:
                await server.get("/held?seconds=5")
            over.set()

        async with serving(shop.app) as first, anyio.create_task_group() as group:
            group.start_soon(second)
            await anyio.sleep(0.5)
            await first.get("/beside?seconds=3")
            await over.wait()
            assert now() == 1_000_000_000
            assert shop.recorder.open == ["Shop.work (after_response, GET /beside #2)"]
            await shop.recorder.settled()
        assert [t.outcome for one in recorder.timelines for t in one.tasks] == ["cancelled", "ok"]
        assert now() == 3_500_000_000

    async def test_a_request_outlives_the_other_servers_shutdown(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        other_is_over = anyio.Event()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.task(name="before").schedule(anyio.sleep, 1)
            await other_is_over.wait()
            tasks.after_response.task(name="after").schedule(anyio.sleep, 1)

        async with serving(app) as first, anyio.create_task_group() as group:
            async with serving(app):
                group.start_soon(first.get, "/")
                await anyio.wait_all_tasks_blocked()
            other_is_over.set()
        assert recorder.last is not None
        assert [(t.name, t.outcome) for t in recorder.last.tasks] == [
            ("before", "ok"),
            ("after", "ok"),
        ]


class TestRealServers:
    def test_two_of_one_process_on_two_loops(self) -> None:
        shop = Shop()
        answered: dict[str, int] = {}
        loops = [Uvicorn(shop.app), Uvicorn(shop.app)]
        try:
            for word in ("a", "b", "c", "d"):
                server = loops[len(answered) % 2]
                answered[word] = httpx.get(f"{server.url}/{word}", trust_env=False).json()
            shop.recorder.wait_settled(PATIENCE)
        finally:
            for server in loops:
                server.stop()
        assert shop.threads == answered
        assert len(set(answered.values())) == 2
        assert shop.said[-2:] == ["closed", "closed"]

    def test_two_of_one_process_on_one_loop(self) -> None:
        shop = Shop()
        both = Uvicorn(shop.app, shop.app)
        try:
            for number, url in enumerate(both.urls):
                assert httpx.get(f"{url}/{number}", trust_env=False).status_code == 200
            shop.recorder.wait_settled(PATIENCE)
        finally:
            both.stop()
        assert shop.said == ["open", "open", "0", "1", "closed", "closed"]


class Uvicorn:
    """Serve apps on one event loop, in a thread of its own."""

    def __init__(self, *apps: Any) -> None:
        options: dict[str, Any] = {
            "port": 0,
            "log_level": "critical",
            "lifespan": "on",
            "ws": "none",
        }
        configs = [uvicorn.Config(app, **options) for app in apps]
        self._servers = [uvicorn.Server(config) for config in configs]
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        until = threading.Event()
        while not all(server.started for server in self._servers):
            assert self._thread.is_alive()
            until.wait(0.005)
        ports = [server.servers[0].sockets[0].getsockname()[1] for server in self._servers]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self.url = self.urls[0]

    async def _serve(self) -> None:
        await asyncio.gather(*(server.serve() for server in self._servers))

    def stop(self) -> None:
        for server in self._servers:
            server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


class TestALoopWithoutALifespan:
    """As with pytest-asyncio, a client for the session and a loop for the test."""

    @pytest.mark.parametrize("kind", ["async", "def"])
    def test_is_told_so_out_of_the_request_and_never_stays_silent(self, kind: str) -> None:
        shop = Shop()

        @shop.app.get("/kinds/def")
        def in_thread(tasks: Tasks) -> None:
            tasks.schedule(shop.work, "never")

        path = "/kinds/def" if kind == "def" else "/async"
        session, test = VirtualLoop(), VirtualLoop()
        life = Life(session, shop.app)
        try:
            answer = test.run_until_complete(Server(shop.app).get(path))
            assert isinstance(answer.error, FastAPITasksUninitializedAppError)
            assert str(answer.error) == (
                f"GET {path} #1 asks for Tasks, but its app's lifespan runs on another event loop "
                "than this request, where nothing could wake its tasks: run both on one loop (with "
                "pytest-asyncio, give fixtures and tests the same loop_scope)"
            )
            # On the right one all is well.
            assert session.run_until_complete(Server(shop.app).get("/right")).status == 200
        finally:
            life.end()
            test.close()
            session.close()
        assert shop.said == ["open", "right", "closed"]

    def test_also_after_another_lifespan_has_come_and_gone_there(self) -> None:
        shop = Shop()
        session, test = VirtualLoop(), VirtualLoop()
        life = Life(session, shop.app)
        try:
            other = Life(test, shop.app)
            assert test.run_until_complete(Server(shop.app).get("/both")).status == 200
            other.end()
            answer = test.run_until_complete(Server(shop.app).get("/one"))
            assert isinstance(answer.error, FastAPITasksUninitializedAppError)
        finally:
            life.end()
            test.close()
            session.close()
        assert shop.said == ["open", "open", "both", "closed", "closed"]


class Life:
    """The lifespan of an app on a loop that runs only now and then."""

    def __init__(self, loop: asyncio.AbstractEventLoop, app: FastAPI) -> None:
        self._loop = loop
        self._over = loop.run_until_complete(self._event())
        began = loop.run_until_complete(self._event())
        self._task = loop.create_task(self._live(app, began))
        loop.run_until_complete(began.wait())

    async def _event(self) -> asyncio.Event:
        return asyncio.Event()

    async def _live(self, app: FastAPI, began: asyncio.Event) -> None:
        async with serving(app):
            began.set()
            await self._over.wait()

    def end(self) -> None:
        self._over.set()
        self._loop.run_until_complete(self._task)


@pytest.mark.anyio
class TestTheLifespanContext:
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
class TestAStackBuiltAnew:
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

    def mounted(self, recorder: Recorder, make_parent: Callable[..., Any]) -> tuple[Shop, Any]:
        shop = Shop(recorder)
        return shop, make_parent(shop)

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
