"""S1a: a thread that is in the middle of `schedule()` when the app's lifespan ends."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI

from fastapi_tasks import Recorder, Tasks
from fastapi_tasks.errors import FastAPITasksError

from .asgi import serving

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


class Slow:
    """A callable whose signature takes long to find out, and so does scheduling it."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answers = threading.Event()
        self.called = False

    @property
    def __signature__(self) -> inspect.Signature:
        self.asked.set()
        assert self.answers.wait(30)
        return inspect.Signature()

    def __call__(self) -> None:
        self.called = True


@pytest.mark.parametrize("shield", [True, False])
async def test_s1a_nothing_is_called_that_was_scheduled_while_the_lifespan_ended(
    make_app: MakeApp, recorder: Recorder, shield: bool
) -> None:
    app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 2})
    slow = Slow()
    refused: list[str] = []
    over = threading.Event()

    def in_thread(tasks: Any) -> None:
        try:
            tasks.task(shield=shield, name="late").schedule(slow)
        except FastAPITasksError as error:
            refused.append(str(error))
        finally:
            over.set()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.schedule(in_thread, tasks)

    async with serving(app) as server:
        await server.get("/")
        await anyio.to_thread.run_sync(slow.asked.wait)
    slow.answers.set()
    await anyio.to_thread.run_sync(over.wait)
    for _ in range(20):
        await anyio.lowlevel.checkpoint()
    await anyio.to_thread.run_sync(lambda: None)
    assert not slow.called
    assert recorder.last is not None
    outcomes = {task.name: task.outcome for task in recorder.last.tasks}
    # Refused, or recorded as what never ran; not lost without a word.
    assert outcomes["in_thread"] == "abandoned"
    assert len(refused) == ("late" not in outcomes)
    assert outcomes.get("late") in (None, "cancelled", "abandoned")
    await recorder.settled(timeout=1)
