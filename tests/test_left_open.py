"""I1: a task that never leaves what it has entered hurts nobody, on either loop."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Recorder, Tasks
from fastapi_tasks.errors import LeftOpenError

from .asgi import serving
from .processes import ROOT

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]

kept: list[Any] = []
"""Otherwise the garbage collector might close them."""


RESTLESS = [int(part) for part in version("anyio").split(".")[:3]] < [4, 14, 2]


@pytest.fixture(autouse=True)
def _forgotten(request: pytest.FixtureRequest) -> None:
    if RESTLESS and "asyncio" in request.node.name:
        pytest.skip("AnyIO before 4.14.2 keeps the loop awake once such a scope is cancelled")
    kept.clear()


async def group() -> None:
    kept.append(anyio.create_task_group())
    await kept[-1].__aenter__()


async def group_at_work() -> None:
    await group()
    kept[-1].start_soon(anyio.sleep, 3600)
    await anyio.sleep(0.01)


async def group_with_failure() -> None:
    await group()
    kept[-1].start_soon(fails)


async def fails() -> None:
    raise ValueError


async def groups() -> None:
    await group_at_work()
    await scope()
    await group_at_work()


async def scope() -> None:
    kept.append(anyio.CancelScope())
    kept[-1].__enter__()


async def cancelled_scope() -> None:
    await scope()
    kept[-1].cancel()


async def timeout() -> None:
    kept.append(anyio.CancelScope(deadline=anyio.current_time() + 0.05))
    kept[-1].__enter__()


def awaitable() -> Any:
    """A plain function, in a thread, that returns what is then awaited."""
    return group_at_work()


async def numbers() -> AsyncIterator[int]:
    async with anyio.create_task_group() as inside:
        inside.start_soon(anyio.sleep, 3600)
        for number in range(3):
            yield number


async def generator() -> None:
    kept.append(numbers())
    async for _ in kept[-1]:
        return


GROUPS = [group, group_at_work, group_with_failure, groups, awaitable, generator]
SCOPES = [scope, cancelled_scope, timeout]


@pytest.mark.parametrize("leaves", [*GROUPS, *SCOPES], ids=lambda one: one.__name__)
class TestI1WhatATaskLeavesOpen:
    async def test_reaches_nothing_else(
        self, make_app: MakeApp, recorder: Recorder, leaves: Callable[[], Any]
    ) -> None:
        app = make_app()

        async def other() -> None:
            await anyio.sleep(0.1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> str:
            tasks.schedule(other)
            tasks.task(name="leaves").schedule(leaves)
            tasks.after_response.task(name="leaves").schedule(leaves)
            return "fine"

        async with serving(app) as server:
            for _ in range(2):
                assert (await server.get("/")).body == b'"fine"'
                await recorder.settled()
            await anyio.sleep(1)
        for timeline in recorder.timelines:
            outcomes = {(task.name, task.outcome) for task in timeline.tasks}
            assert ("other", "ok") in outcomes
            assert len(timeline.tasks) == 3
            assert all(task.finished is not None for task in timeline.tasks)

    @pytest.mark.parametrize("anyio_backend", ["trio"])
    async def test_is_on_trio_its_own_failure_and_the_log_says_what_to_do(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        caplog: pytest.LogCaptureFixture,
        leaves: Callable[[], Any],
    ) -> None:
        app = make_app()
        heard: list[Exception] = []

        async def report(_: Any, error: Exception) -> None:
            # Nothing that the task has cancelled is in its way.
            await anyio.sleep(0.01)
            heard.append(error)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(on_error=report).schedule(leaves)

        async with serving(app) as server:
            (task,) = (await server.settle("/")).tasks
        assert (task.outcome, task.error) == ("error", "LeftOpenError")
        assert [type(error) for error in heard] == [LeftOpenError]
        (line,) = caplog.records
        assert line.exc_info is not None
        said = str(line.exc_info[1])
        assert ("nursery" in said) == (leaves in GROUPS)
        assert ("ValueError" in caplog.text) == (leaves is group_with_failure)
        assert ("`async with`" if leaves in GROUPS else "`with`") in said

    async def test_does_not_hide_what_the_task_raises(
        self,
        make_app: MakeApp,
        caplog: pytest.LogCaptureFixture,
        leaves: Callable[[], Any],
        anyio_backend_name: str,
    ) -> None:
        app = make_app()

        async def leaves_and_fails() -> None:
            await leaves()
            raise KeyError

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(leaves_and_fails)

        async with serving(app) as server:
            (task,) = (await server.settle("/")).tasks
        assert (task.outcome, task.error) == ("error", "KeyError")
        assert ("has ended inside of" in caplog.text) == (anyio_backend_name == "trio")


async def test_i1_what_an_error_handler_leaves_open_reaches_nothing_else(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()

    async def report(*_: Any) -> None:
        await groups()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.schedule(anyio.sleep, 0.5)
        tasks.task(on_error=report).schedule(fails)

    async with serving(app) as server:
        tasks = (await server.settle("/")).tasks
        await anyio.sleep(1)
    assert [task.outcome for task in tasks] == ["ok", "error"]


async def waits() -> None:
    await groups()
    await anyio.sleep(3600)


async def refuses() -> None:
    await groups()
    with anyio.CancelScope(shield=True):
        while True:
            with suppress(BaseException):
                await anyio.sleep(3600)


@pytest.mark.parametrize(("work", "outcome"), [(waits, "cancelled"), (refuses, "abandoned")])
async def test_a_shutdown_ends_a_task_inside_of_what_it_has_entered(
    make_app: MakeApp, recorder: Recorder, work: Callable[[], Any], outcome: str
) -> None:
    app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 2})

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.schedule(work)

    async with serving(app) as server:
        await server.get("/")
    assert recorder.last is not None
    assert [task.outcome for task in recorder.last.tasks] == [outcome]


async def test_what_is_entered_and_left_is_nobodys_business(
    make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    ran: list[int] = []

    async def child() -> None:
        await anyio.sleep(0.01)
        ran.append(1)

    async def tidy() -> None:
        with anyio.move_on_after(0.1), anyio.CancelScope():
            async with anyio.create_task_group() as inside:
                inside.start_soon(child)
            await anyio.sleep(3600)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.schedule(tidy)

    async with serving(app) as server:
        (task,) = (await server.settle("/")).tasks
    assert (task.outcome, ran, caplog.records) == ("ok", [1], [])


GENERATOR = """
import anyio
from fastapi import FastAPI
from fastapi_tasks import Tasks, add_tasks
from tests.asgi import serving

app = FastAPI()
recorder = add_tasks(app)

async def slow_to_end():
    try:
        await anyio.sleep(3600)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.05)

async def numbers(child):
    async with anyio.create_task_group() as inside:
        inside.start_soon(child)
        for number in range(3):
            yield number

async def leaves(child):
    # Whoever runs the loop ends the generator, in another task.
    async for _ in numbers(child):
        return

@app.get("/")
async def endpoint(tasks: Tasks):
    tasks.schedule(anyio.sleep, 0.1)
    tasks.schedule(leaves, slow_to_end)
    tasks.schedule(leaves, anyio.sleep_forever)

async def main():
    async with serving(app) as server:
        for _ in range(5):
            await server.settle("/")
    assert all(one.outcome == "ok" for t in recorder.timelines for one in t.tasks[:1])
    assert len(recorder.timelines) == 5

anyio.run(main, backend="BACKEND")
print("the loop has ended")
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_i1_a_generator_that_a_task_has_dropped_reaches_nothing_else(backend: str) -> None:
    script = GENERATOR.replace("BACKEND", backend)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "the loop has ended\n"), done.stderr


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio_still_closes_a_nursery_by_what_is_not_public() -> None:
    import trio

    async with trio.open_nursery() as nursery:
        for name in ("_closed", "_nested_child_finished"):
            assert hasattr(nursery, name), (
                f"loops/left_open.py closes nurseries by {name}: look how open_nursery() does now"
            )
