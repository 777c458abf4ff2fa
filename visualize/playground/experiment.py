"""What can be tried: an endpoint and a few tasks, each of some kind and duration."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

import anyio
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from fastapi_tasks import Tasks, Timeline, add_tasks
from fastapi_tasks.tasks import TasksBatch, TasksScheduler
from fastapi_tasks.timeline import ScheduledMode
from visualize.lab import Lab, SyncLab
from visualize.words import MS, duration

Kind = Literal["awaits", "blocks", "thread"]

KINDS: dict[Kind, str] = {
    "awaits": "async def, awaits",
    "blocks": "async def, blocks",
    "thread": "def, in a thread",
}
"""What work is: it waits politely, it holds the event loop up, or it has a thread of its own."""

LONGEST = 1000
MOST_TASKS = 12

ROWS = 4
"""So many tasks a playground has controls for."""
SLIDER = 200
"""Milliseconds that its sliders reach to."""


class Step(BaseModel):
    """One task; `ms` is how long it takes, in milliseconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: ScheduledMode
    kind: Kind = "awaits"
    ms: int = Field(default=40, ge=0, le=LONGEST)


class Experiment(BaseModel):
    """A request: its tasks are scheduled first, then the endpoint takes `ms` milliseconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["awaits", "blocks"] = "awaits"
    ms: int = Field(default=20, ge=0, le=LONGEST)
    tasks: list[Step] = Field(default_factory=list, max_length=MOST_TASKS)


START = Experiment(
    tasks=[
        Step(mode="immediate", kind="awaits", ms=40),
        Step(mode="after_route", kind="awaits", ms=30),
        Step(mode="after_response", kind="thread", ms=60),
    ]
)
"""What a playground shows first."""


async def awaits(seconds: float) -> None:
    """Wait, and let everything else run meanwhile."""
    await anyio.sleep(seconds)


async def blocks(seconds: float) -> None:
    """Do what should not be done: hold the event loop up."""
    time.sleep(seconds)  # noqa: ASYNC251


def thread(seconds: float) -> None:
    """Block a worker thread, which harms nobody."""
    time.sleep(seconds)


FUNCTIONS: dict[Kind, Callable[[float], Any]] = {
    "awaits": awaits,
    "blocks": blocks,
    "thread": thread,
}


def make_app() -> FastAPI:
    """Make an app whose one endpoint does what it is told."""
    app = FastAPI(title="Playground")
    add_tasks(app)

    @app.post("/try")
    async def endpoint(experiment: Experiment, tasks: Tasks) -> dict[str, str]:
        for number, step in enumerate(experiment.tasks, start=1):
            name = f"task {number} ({step.kind})"
            scheduler = _scheduler(tasks, step.mode).task(name=name)
            scheduler.schedule(FUNCTIONS[step.kind], step.ms / 1000)
        await FUNCTIONS[experiment.kind](experiment.ms / 1000)
        return {"status": "done"}

    return app


def _scheduler(tasks: TasksScheduler, mode: ScheduledMode) -> TasksBatch:
    return {
        "immediate": tasks,
        "after_route": tasks.after_route,
        "after_response": tasks.after_response,
    }[mode]


async def run(lab: Lab, experiment: Experiment) -> Timeline:
    """Send one request, and return its timeline when all its tasks have ended."""
    return await lab.timeline(await lab.post("/try", json=experiment.model_dump()))


def run_blocking(lab: SyncLab, experiment: Experiment) -> Timeline:
    """Do the same from code that is not async."""
    return lab.timeline(lab.post("/try", json=experiment.model_dump()))


def verdict(timeline: Timeline) -> str:
    """Say in one sentence what the client had to wait for."""
    assert timeline.client is not None
    assert timeline.client.received is not None
    answered = _round(timeline.client.received - timeline.client.sent)
    ended = _round(timeline.last - timeline.client.sent)
    held = [segment.culprit for segment in timeline.busy]
    words = f"The client had its answer after {answered}; all was done after {ended}."
    if held:
        words += f" The event loop was held up by {', '.join(dict.fromkeys(held))}."
    return words


def _round(ns: int) -> str:
    return duration(round(ns / MS) * MS)
