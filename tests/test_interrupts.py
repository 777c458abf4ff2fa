"""I1: KeyboardInterrupt goes on up, from wherever it is raised; nothing else does."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Recorder, Task, Tasks, add_tasks

from .asgi import Server

BACKENDS = ["asyncio", "trio"]


def leaves(error: BaseException) -> list[BaseException]:
    """The errors in a group, or the one that is none."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for one in error.exceptions for leaf in leaves(one)]
    return [error]


def run(backend: str, schedule: Callable[[Any], object]) -> tuple[BaseException, Recorder]:
    """Let an endpoint schedule, and return what comes out of the event loop."""
    app = FastAPI()
    recorder = add_tasks(app, grace_period=0, shutdown_timeout=0)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        schedule(tasks)

    async def main() -> None:
        async with app.router.lifespan_context(app):
            await Server(app).get("/")
            await anyio.sleep(30)

    with warnings.catch_warnings():
        # The loop was left in the middle: what it leaves complains when it is collected, so here.
        warnings.simplefilter("ignore")
        with pytest.raises(BaseException) as caught:  # noqa: PT011
            anyio.run(main, backend=backend)
        gc.collect()
    return caught.value, recorder


def fails() -> None:
    raise ValueError


async def interrupts(*_: object) -> None:
    raise KeyboardInterrupt


async def interrupts_later(*_: object) -> None:
    await anyio.sleep(0.001)
    raise KeyboardInterrupt


def interrupts_in_thread(*_: object) -> None:
    raise KeyboardInterrupt


def interrupts_when_awaited(*_: object) -> Any:
    return interrupts_later()


KINDS = [interrupts, interrupts_later, interrupts_in_thread, interrupts_when_awaited]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_of_a_task(backend: str, kind: Any) -> None:
    error, recorder = run(backend, lambda tasks: tasks.schedule(kind))
    assert {type(one) for one in leaves(error)} == {KeyboardInterrupt}
    assert recorder.last is not None
    assert [(t.outcome, t.error) for t in recorder.last.tasks] == [("error", "KeyboardInterrupt")]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_of_an_error_handler(backend: str, kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    error, recorder = run(backend, lambda tasks: tasks.task(on_error=kind).schedule(fails))
    assert {type(one) for one in leaves(error)} == {KeyboardInterrupt}
    assert recorder.last is not None
    assert [(t.outcome, t.error) for t in recorder.last.tasks] == [("error", "ValueError")]
    assert "failed itself" not in caplog.text


@pytest.mark.parametrize("backend", BACKENDS)
def test_is_not_told_to_an_error_handler(backend: str) -> None:
    told: list[Task[..., Any]] = []
    error, _ = run(
        backend,
        lambda tasks: tasks.task(on_error=lambda task, _: told.append(task)).schedule(interrupts),
    )
    assert {type(one) for one in leaves(error)} == {KeyboardInterrupt}
    assert told == []
