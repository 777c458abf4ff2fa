"""Which tasks count as the app's own, and which as part of what a library does for it."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import anyio
import pytest
from anyio.abc import TaskStatus
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_tasks import record

from .asgi import serving

LIBRARY = """
import anyio
import asyncio
from contextlib import asynccontextmanager

class Client:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await asyncio.shield(asyncio.create_task(self.close()))

    async def close(self): ...

async def start(function):
    return await asyncio.create_task(function())

async def start_in_group(function):
    async with anyio.create_task_group() as group:
        group.start_soon(function)
        group.start_soon(Client().close)
"""

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[ModuleType]:
    """A module that is installed, as far as its file tells."""
    path = tmp_path / "site-packages" / "somebodys_client.py"
    path.parent.mkdir()
    path.write_text(LIBRARY)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[path.stem]


async def work() -> None: ...


async def test_only_what_the_app_starts_or_has_started_is_a_task(library: ModuleType) -> None:
    app = FastAPI()
    recorder = record(app, watch=True)

    @app.get("/")
    async def get() -> None:
        async with library.Client():
            pass
        await library.start(work)
        await library.start_in_group(work)
        await asyncio.create_task(library.Client().close())
        async with anyio.create_task_group() as group:
            group.start_soon(work)

    async with serving(app) as server:
        await server.settle("/")
    assert recorder.last is not None
    assert [task.name for task in recorder.last.tasks] == [
        "work",
        "work",
        "Client.close",
        "work",
    ]


async def test_a_task_groups_child_has_the_name_of_its_function() -> None:
    app = FastAPI()
    recorder = record(app, watch=True)

    class Mailer:
        async def send(self, to: str) -> None: ...

        async def listen(self, *, task_status: TaskStatus[None]) -> None:
            task_status.started()

    @app.get("/")
    async def get() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(Mailer().send, "ann", name="mail to a.nn")
            await group.start(Mailer().listen)

    async with serving(app) as server:
        await server.settle("/")
    assert recorder.last is not None
    assert [task.name for task in recorder.last.tasks] == ["Mailer.send", "Mailer.listen"]


async def test_what_connects_to_somewhere_is_no_task_of_the_apps() -> None:
    app = FastAPI()
    recorder = record(app, watch=True)

    async def connect(port: int) -> None:
        async with await anyio.connect_tcp("127.0.0.1", port):
            pass

    @app.get("/{port}")
    async def get(port: int) -> None:
        await connect(port)
        await asyncio.gather(connect(port), asyncio.sleep(0))

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with serving(app) as server:
            timeline = await server.settle(f"/{port}")
    assert recorder.last is timeline
    assert [task.name for task in timeline.tasks] == ["connect", "sleep"]


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="from Python 3.12 on")
@pytest.mark.parametrize("own", [False, True])
async def test_eager_tasks_are_recorded_and_stay_eager(own: bool) -> None:
    made = []

    def construct(coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine)
        return asyncio.Task(coroutine, **options)

    factory = asyncio.eager_task_factory  # type: ignore[attr-defined]
    if own:
        factory = asyncio.create_eager_task_factory(construct)  # type: ignore[attr-defined]
    loop = asyncio.get_running_loop()
    app = FastAPI()
    record(app, watch=True)
    steps = []

    async def step() -> None:
        steps.append("begins")
        await asyncio.sleep(0)

    @app.get("/")
    async def get() -> None:
        task = asyncio.create_task(step())
        steps.append("made")
        await task
        async with anyio.create_task_group() as group:
            group.start_soon(step)

    before = loop.get_task_factory()
    loop.set_task_factory(factory)
    try:
        async with serving(app) as server:
            timeline = await server.settle("/")
    finally:
        loop.set_task_factory(before)
    assert steps[:2] == ["begins", "made"]
    assert [(task.name, task.outcome) for task in timeline.tasks] == [("step", "ok")] * 2
    assert bool(made) is own


@pytest.mark.parametrize("watch", [False, True])
async def test_in_debug_mode_a_task_tells_where_the_app_made_it(watch: bool) -> None:
    app = FastAPI()
    record(app, watch=watch)
    told: list[str] = []

    @app.get("/")
    async def get() -> None:
        tasks = [asyncio.create_task(work()), asyncio.ensure_future(work())]
        told.extend(map(repr, tasks))
        await asyncio.wait(tasks)

    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 60
    try:
        async with serving(app) as server:
            await server.get("/")
    finally:
        loop.set_debug(False)
    made_at = [re.search(r"created at (\S+):\d+", one) for one in told]
    assert [one and Path(one[1]).name for one in made_at] == ["tasks.py", "tasks.py"]


async def test_what_another_thread_hands_to_the_loop_is_a_task_of_the_apps(
    library: ModuleType,
) -> None:
    app = FastAPI()
    recorder = record(app, watch=True)

    @app.get("/")
    async def get() -> None:
        loop = asyncio.get_running_loop()

        def hand_over(coroutine: Coroutine[Any, Any, None]) -> None:
            asyncio.run_coroutine_threadsafe(coroutine, loop).result()

        await asyncio.to_thread(hand_over, work())
        await asyncio.to_thread(hand_over, library.Client().close())

    async with serving(app) as server:
        timeline = await server.settle("/")
    assert recorder.last is timeline
    assert [(task.name, task.outcome) for task in timeline.tasks] == [("work", "ok")]


async def test_what_a_middleware_runs_as_a_task_has_the_name_of_what_is_inside_of_it() -> None:
    app = FastAPI()
    recorder = record(app, watch=True)

    @app.get("/")
    async def get() -> None: ...

    class Limiting:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.create_task(cast(Any, self.app(scope, receive, send)))

    app.add_middleware(Limiting)
    app.add_middleware(CORSMiddleware)
    app.add_middleware(Limiting)
    async with serving(app) as server:
        await server.settle("/")
    assert recorder.last is not None
    names = [task.name for task in recorder.last.tasks]
    assert names == ["CORSMiddleware.__call__", "ExceptionMiddleware.__call__"]
