"""S1b: one lifespan is one runtime, however many of them an app has at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastapi_tasks import Recorder, Tasks
from fastapi_tasks.errors import FastAPITasksUninitializedAppError

from .asgi import Server, serving
from .lifespans import BACKENDS, Shop
from .virtual import VirtualLoop, now

MakeApp = Callable[..., FastAPI]
PATIENCE = 30


@pytest.mark.parametrize("backend", BACKENDS)
class TestS1bTestClients:
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
class TestS1bTwoServersOnOneLoop:
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


class TestS1bRealServers:
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

    @pytest.mark.parametrize("on_one_loop", [True, False])
    def test_one_that_the_others_lifespan_has_started(self, on_one_loop: bool) -> None:
        shop = StartsASecond(on_one_loop)
        first = Uvicorn(shop.app)
        try:
            answered = {
                word: httpx.get(f"{url}/{word}?seconds=0.4", trust_env=False).json()
                for word, url in (("first", first.url), ("second", url_of(shop.second)))
            }
            shop.second.should_exit = True
            assert shop.is_over.wait(PATIENCE)
        finally:
            first.stop()
        assert shop.threads == answered
        assert len(set(answered.values())) == (1 if on_one_loop else 2)
        assert shop.said == ["open", "open", "first", "second", "closed", "closed"]


class StartsASecond(Shop):
    """Its lifespan starts a second server of the app, which inherits its context variables."""

    def __init__(self, on_one_loop: bool) -> None:
        super().__init__()
        self.on_one_loop = on_one_loop
        self.second = server_of(self.app)
        self.is_over = threading.Event()

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        async with super().lifespan(app):
            if self.said.count("open") == 2:
                yield
                return
            serve = self.second.serve() if self.on_one_loop else asyncio.to_thread(self.second.run)
            serving = asyncio.create_task(serve)
            serving.add_done_callback(lambda _: self.is_over.set())
            while not self.second.started:
                await asyncio.sleep(0.005)
            try:
                yield
            finally:
                self.second.should_exit = True
                await serving


def server_of(app: Any) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="critical", lifespan="on", ws="none")
    )


def url_of(server: uvicorn.Server) -> str:
    return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


class Uvicorn:
    """Serve apps on one event loop, in a thread of its own."""

    def __init__(self, *apps: Any) -> None:
        self._servers = [server_of(app) for app in apps]
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        until = threading.Event()
        while not all(server.started for server in self._servers):
            assert self._thread.is_alive()
            until.wait(0.005)
        self.urls = [url_of(server) for server in self._servers]
        self.url = self.urls[0]

    async def _serve(self) -> None:
        await asyncio.gather(*(server.serve() for server in self._servers))

    def stop(self) -> None:
        for server in self._servers:
            server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


class TestS1bALoopWithoutALifespan:
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
