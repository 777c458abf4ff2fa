"""I1–I3: nothing that random tasks and their handlers do to themselves reaches anything else."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Recorder, Tasks
from tests.asgi import serving

from .trouble import Deed, draw_deed, draw_handler

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]

# The workers of pytest-xdist must find the same tests, so they draw from the id of their run.
DRAWN = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID"))
FIRST = int(os.environ.get("STRESS_SEED") or DRAWN.randrange(1_000_000))
REQUESTS = 10
TASKS = 8


@dataclass
class Story:
    """What was scheduled, and what came of it; lists only grow."""

    deeds: list[Deed] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    failing_handlers: int = 0
    beats: int = 0


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 10))
async def test_i1_no_trouble_spreads(
    make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    chance = random.Random(seed)
    story = Story()
    app = make_app(lifespan=beating(story))

    @app.get("/{number}")
    async def endpoint(number: int, tasks: Tasks) -> int:
        schedule_trouble(tasks, chance, story)
        await anyio.sleep(chance.choice([0, 0.01]))
        return number

    async with serving(app) as server:
        answers = {}

        async def ask(number: int) -> None:
            answers[number] = await server.get(f"/{number}")

        async with anyio.create_task_group() as group:
            for number in range(REQUESTS):
                group.start_soon(ask, number)
        await recorder.settled()
        beats = story.beats
        await anyio.sleep(1)
        assert story.beats > beats
    assert {number: (one.status, one.body) for number, one in answers.items()} == {
        number: (200, str(number).encode()) for number in range(REQUESTS)
    }
    assert_each_had_what_it_asked_for(recorder, story)
    messages = [record.getMessage() for record in caplog.records]
    failed = [deed for deed in story.deeds if deed.outcome == "error"]
    assert sum(" failed after " in message for message in messages) == len(failed)
    assert sum(" failed itself" in message for message in messages) == story.failing_handlers
    assert len(messages) == len(failed) + story.failing_handlers


def beating(story: Story) -> Callable[[FastAPI], object]:
    """Return a lifespan with a task of the app's own, which must not notice anything."""

    async def beat() -> None:
        while True:
            await anyio.sleep(0.05)
            story.beats += 1

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(beat)
            yield
            group.cancel_scope.cancel()

    return lifespan


def schedule_trouble(tasks: Tasks, chance: random.Random, story: Story) -> None:
    """Schedule random tasks, in random modes, with random error handlers."""
    for _ in range(TASKS):
        deed = draw_deed(chance, story.done)
        handler, fails = draw_handler(chance, story.calls)
        mode = chance.choice([tasks, tasks.after_route, tasks.after_response])
        name = f"deed {len(story.deeds)}"
        mode.task(name=name, on_error=handler).schedule(deed.func)
        story.deeds.append(deed)
        story.failing_handlers += deed.reported and fails


def assert_each_had_what_it_asked_for(recorder: Recorder, story: Story) -> None:
    """Compare each task's record with its deed, and count what was done and reported."""
    records = {task.name: task for timeline in recorder.timelines for task in timeline.tasks}
    assert len(records) == len(story.deeds) == REQUESTS * TASKS
    for number, deed in enumerate(story.deeds):
        record = records[f"deed {number}"]
        assert (record.outcome, record.error) == (deed.outcome, deed.error), deed
    assert len(story.done) == sum(deed.outcome == "ok" for deed in story.deeds)
    reported = (deed.error for deed in story.deeds if deed.reported)
    assert sorted(story.calls) == sorted(map(str, reported))
