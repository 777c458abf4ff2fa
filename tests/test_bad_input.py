"""Mistakes: each is one clear error, and disturbs nothing else."""

import math
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI

from fastapi_tasks import Recorder, Tasks, add_tasks
from fastapi_tasks.errors import FastAPITasksError, FastAPITasksUninitializedAppError

from .asgi import Server, serving


class TestAddTasks:
    def test_on_what_is_not_an_app(self) -> None:
        with pytest.raises(TypeError) as caught:
            add_tasks(object())  # type: ignore[arg-type]
        assert str(caught.value) == (
            "add_tasks() got an object of type object, and only FastAPI gives endpoints what they "
            "ask for: pass the FastAPI app itself, before wrapping it; in an app of another kind "
            "mount a FastAPI app, and call add_tasks() on that; record() records any app, without "
            "tasks"
        )

    def test_twice_on_one_app(self) -> None:
        app = FastAPI()
        recorder = add_tasks(app)
        with pytest.raises(FastAPITasksError) as caught:
            add_tasks(app)
        assert str(caught.value) == (
            "add_tasks() was called on an app that is recorded already, so all would happen in two "
            "places: call add_tasks() or record(), and once; the recorder is "
            "app.state.tasks_recorder"
        )
        assert app.state.tasks_recorder is recorder

    @pytest.mark.anyio
    async def test_on_an_app_that_has_started(self) -> None:
        app = FastAPI()
        async with serving(app):
            with pytest.raises(FastAPITasksError) as caught:
                add_tasks(app)
        assert str(caught.value) == (
            "add_tasks() was called after the app had started, when its middlewares are already "
            "in place: call it right after making the app"
        )

    @pytest.mark.parametrize(
        ("limits", "message"),
        [
            (
                {"grace_period": -1},
                "grace_period is -1, so a shutdown would have no end: "
                "give seconds, 0 or more and finite",
            ),
            (
                {"grace_period": math.nan},
                "grace_period is nan, so a shutdown would have no end: "
                "give seconds, 0 or more and finite",
            ),
            (
                {"shutdown_timeout": math.inf},
                "shutdown_timeout is inf, so a shutdown would have no end: "
                "give seconds, 0 or more and finite",
            ),
            (
                {"grace_period": 40},
                "grace_period is 40 s, but the whole shutdown may take only 25.0 s: "
                "give a shutdown_timeout at least as long",
            ),
            (
                {"threads": 0},
                "threads is 0, so `def` tasks could not run: give a whole number from 1",
            ),
            (
                {"threads": 2.5},
                "threads is 2.5, so `def` tasks could not run: give a whole number from 1",
            ),
        ],
    )
    def test_with_a_limit_that_cannot_be(self, limits: dict[str, Any], message: str) -> None:
        app = FastAPI()
        with pytest.raises(ValueError, match=r".") as caught:
            add_tasks(app, **limits)
        assert str(caught.value) == message
        add_tasks(app)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"maxlen": 0},
                "maxlen is 0, but a recorder keeps at least one: give a whole number from 1",
            ),
            (
                {"maxlen": math.nan},
                "maxlen is nan, but a recorder keeps at least one: give a whole number from 1",
            ),
            (
                {"busy_threshold": -0.1},
                "busy_threshold is -0.1: give seconds, 0 or more; "
                "math.inf records no busy segments",
            ),
            (
                {"busy_threshold": math.nan},
                "busy_threshold is nan: give seconds, 0 or more; math.inf records no busy segments",
            ),
        ],
    )
    def test_with_a_recorder_that_cannot_be(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=r".") as caught:
            Recorder(**options)
        assert str(caught.value) == message


def endpoints(app: FastAPI) -> FastAPI:
    @app.get("/tasks")
    async def with_tasks(tasks: Tasks) -> None:
        tasks.schedule(anyio.sleep, 0)

    @app.get("/plain")
    async def plain() -> str:
        return "fine"

    return app


@pytest.mark.anyio
class TestTasksWhereNoneCanRun:
    async def refused(self, server: Server, path: str = "") -> str:
        answer = await server.get(f"{path}/tasks")
        assert answer.status == 500
        assert isinstance(answer.error, FastAPITasksUninitializedAppError)
        assert (await server.get(f"{path}/plain")).body == b'"fine"'
        return str(answer.error)

    async def test_without_add_tasks(self) -> None:
        async with serving(endpoints(FastAPI())) as server:
            assert await self.refused(server) == (
                "GET /tasks asks for Tasks, but its app was not set up for them: "
                "call add_tasks(app) after making the app"
            )

    async def test_without_a_running_lifespan(
        self, make_app: Callable[..., FastAPI], recorder: Recorder
    ) -> None:
        message = await self.refused(Server(endpoints(make_app())))
        assert message == (
            "GET /tasks #1 asks for Tasks, but its app's lifespan is not running, so its tasks "
            "would have nobody to end them: in tests use `with TestClient(app)`; serve the app "
            "with its lifespan on; where the server knows none (Daphne, WSGI bridges) or something "
            "else serves it (httpx.ASGITransport), enter it around that: "
            "`async with app.router.lifespan_context(app)`"
        )
        # What needs no tasks is served and recorded all the same.
        assert [(t.path, t.status) for t in recorder.timelines] == [
            ("/tasks", 500),
            ("/plain", 200),
        ]
        await recorder.settled(timeout=0)

    async def test_with_a_plain_asgi_transport(self) -> None:
        app = endpoints(FastAPI())
        add_tasks(app)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/plain")).status_code == 200
            with pytest.raises(FastAPITasksUninitializedAppError, match="lifespan is not running"):
                await client.get("/tasks")

    async def test_in_a_mounted_app_whose_lifespan_never_runs(self) -> None:
        sub = endpoints(FastAPI())
        add_tasks(sub)
        app = FastAPI()
        app.mount("/sub", sub)
        async with serving(app) as server:
            assert await self.refused(server, "/sub") == (
                "GET /sub/tasks #1 asks for Tasks, but its app's lifespan is not running, so its "
                "tasks would have nobody to end them: no lifespan of a mounted app runs by itself. "
                "Call add_tasks() on the app that it is mounted in, if that is a FastAPI app too; "
                "or enter this app's lifespan in that one's: "
                "`async with app.router.lifespan_context(app)`"
            )

    @pytest.mark.parametrize("sub_too", [True, False])
    async def test_a_mounted_app_uses_the_tasks_of_the_app_around_it(
        self, make_app: Callable[..., FastAPI], recorder: Recorder, sub_too: bool
    ) -> None:
        sub = endpoints(FastAPI())
        other = add_tasks(sub) if sub_too else None
        app = make_app()
        app.mount("/sub", sub)
        async with serving(app) as server:
            assert (await server.get("/sub/tasks")).status == 200
            await recorder.settled()
        assert [(t.path, len(t.tasks)) for t in recorder.timelines] == [("/sub/tasks", 1)]
        assert other is None or other.timelines == []
