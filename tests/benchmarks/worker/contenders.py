"""The same endpoint, given its tasks by each contender."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from fastapi import BackgroundTasks, FastAPI
from floor import LAYERS, Bare, Keeping, add_layer

# In one process of the benchmark this is our package, in another the published one.
from fastapi_tasks import Tasks, add_tasks

Job = Callable[[], Awaitable[None] | None]

PICK: dict[str, Callable[[Any], Any]] = {
    "immediate": lambda tasks: tasks,
    "after_route": attrgetter("after_route"),
    "after_response": attrgetter("after_response"),
}

ANSWER = {"status": "processing"}


@dataclass(frozen=True)
class Case:
    """One endpoint: who runs its tasks, how many it schedules, and when they are released."""

    contender: str
    count: int = 0
    mode: str = "immediate"


def make_app(case: Case, job: Job) -> FastAPI:
    """Return an app whose `POST /orders` schedules `job` as the case says."""
    return MAKERS[case.contender](case, job)


def _plain(case: Case, job: Job) -> FastAPI:
    app = FastAPI()

    @app.post("/orders")
    async def order(cart_id: int) -> dict[str, str]:
        return ANSWER

    return app


def _unused(case: Case, job: Job) -> FastAPI:
    app = _plain(case, job)
    add_tasks(app)
    return app


def _background_tasks(case: Case, job: Job) -> FastAPI:
    app, count = FastAPI(), case.count

    @app.post("/orders")
    async def order(cart_id: int, tasks: BackgroundTasks) -> dict[str, str]:
        for _ in range(count):
            tasks.add_task(job)
        return ANSWER

    return app


def _with_tasks(case: Case, job: Job) -> FastAPI:
    app, count, pick = FastAPI(), case.count, PICK[case.mode]
    add_tasks(app)

    @app.post("/orders")
    async def order(cart_id: int, tasks: Tasks) -> dict[str, str]:
        for _ in range(count):
            pick(tasks).schedule(job)
        return ANSWER

    return app


def _off(case: Case, job: Job) -> FastAPI:
    app = _with_tasks(case, job)
    app.state.tasks_recorder.enabled = False
    return app


def _subscriber(case: Case, job: Job) -> FastAPI:
    app = _with_tasks(case, job)
    app.state.tasks_recorder.subscribe(lambda event: None)
    return app


def _floor(case: Case, job: Job) -> FastAPI:
    app, count = FastAPI(), case.count
    add_layer(app)

    @app.post("/orders")
    async def order(cart_id: int, tasks: Bare) -> dict[str, str]:
        for _ in range(count):
            tasks.schedule(job)
        return ANSWER

    return app


def _layer(case: Case, job: Job) -> FastAPI:
    app = _plain(case, job)
    add_layer(app, LAYERS.get(case.contender, Keeping))
    return app


def _dependency(case: Case, job: Job) -> FastAPI:
    app = FastAPI()

    @app.post("/orders")
    async def order(cart_id: int, tasks: Bare) -> dict[str, str]:
        return ANSWER

    return app


MAKERS: dict[str, Callable[[Case, Job], FastAPI]] = {
    "plain": _plain,
    "unused": _unused,
    "floor": _floor,
    "floor, unused": _layer,
    "a dependency": _dependency,
    **dict.fromkeys(LAYERS, _layer),
    "BackgroundTasks": _background_tasks,
    "0.1": _with_tasks,
    "off": _off,
    "on": _with_tasks,
    "subscriber": _subscriber,
}
