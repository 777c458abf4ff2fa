"""Apps that are shut down with tasks in flight: one patient, one strict."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from fastapi import FastAPI

from fastapi_tasks import Task, Tasks, add_tasks

from . import Said, gates, hold, opened, say


class Database:
    """What the app's own lifespan opens and closes."""

    closed = False


database = Database()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    database.closed = True
    say("database closed")


def ended(name: str) -> None:
    say(f"{name} ended, database {'closed' if database.closed else 'open'}")


# All of it ends once the shutdown has begun, and all of it may.

patient_app = FastAPI(lifespan=lifespan)
add_tasks(patient_app, grace_period=60, shutdown_timeout=60, threads=4)
patient = Said(patient_app)


async def mail() -> None:
    await opened("shutdown")
    ended("mail")


async def parent(tasks: Any) -> None:
    await opened("shutdown")
    tasks.after_response.schedule(child)
    ended("parent")


async def child() -> None:
    await anyio.sleep(0.01)
    ended("child")


def queued(number: int) -> None:
    hold("shutdown")
    ended(f"queued {number}")


async def fails() -> None:
    await opened("shutdown")
    raise LookupError("nobody there")


async def report(task: Task[..., Any], exc: Exception) -> None:
    await anyio.sleep(0.01)
    ended(f"report of {task.name}")


@patient_app.post("/work")
async def patient_work(tasks: Tasks) -> None:
    tasks.after_response.schedule(mail)
    tasks.schedule(parent, tasks)
    tasks.task(shield=True, on_error=report).schedule(fails)
    for number in range(60):
        tasks.schedule(queued, number)


# Nothing but what is shielded may finish, and not for ever.

strict_app = FastAPI(lifespan=lifespan)
add_tasks(strict_app, grace_period=0.2, shutdown_timeout=0.8)
strict = Said(strict_app)


async def unshielded() -> None:
    try:
        await anyio.sleep_forever()
    finally:
        ended("unshielded")
        gates["cancelled"].set()


async def shielded() -> None:
    await opened("cancelled")
    ended("shielded")


async def stubborn() -> None:
    while True:
        with suppress(anyio.get_cancelled_exc_class()):
            await anyio.sleep_forever()


@strict_app.post("/work")
async def strict_work(tasks: Tasks) -> None:
    tasks.schedule(unshielded)
    shield = tasks.task(shield=True)
    shield.schedule(shielded)
    tasks.schedule(stubborn)
    shield.schedule(stubborn)
    shield.schedule(anyio.sleep_forever)
    tasks.schedule(time.sleep, 3600)
    shield.schedule(time.sleep, 3600)


# A little of everything, in an order that needs no clock but for the end.

mixed_app = FastAPI(lifespan=lifespan)
add_tasks(mixed_app, grace_period=1, shutdown_timeout=1.3, threads=4)
mixed = Said(mixed_app)


@mixed_app.post("/work")
async def mixed_work(tasks: Tasks) -> None:
    tasks.after_response.schedule(mail)
    tasks.schedule(unshielded)
    shield = tasks.task(shield=True)
    shield.schedule(shielded)
    shield.schedule(anyio.sleep_forever)
    shield.task(on_error=report).schedule(fails)
    for number in range(60):
        tasks.schedule(queued, number)


# More than any shutdown has time for.

long_app = FastAPI(lifespan=lifespan)
add_tasks(long_app, grace_period=0.5, shutdown_timeout=2.5)
long = Said(long_app)


@long_app.post("/work")
async def long_work(tasks: Tasks) -> None:
    tasks.task(name="settlement", shield=True).schedule(anyio.sleep, 60)
    tasks.after_response.task(name="invoices", shield=True).schedule(time.sleep, 60)
    tasks.after_response.task(name="newsletter").schedule(anyio.sleep, 60)


# Four functions in their threads, and a queue that must not move once the grace is over.

backlog_app = FastAPI(lifespan=lifespan)
add_tasks(backlog_app, grace_period=0.3, shutdown_timeout=10, threads=4)
backlog = Said(backlog_app)


def pick(order: str = "nothing") -> None:
    say(f"picks {order}")
    hold("cancelled")
    ended(order)


@backlog_app.post("/work")
async def backlog_work(tasks: Tasks) -> None:
    for number in range(64):
        tasks.task(name=f"order {number}").schedule(pick, f"order {number}")
    tasks.schedule(unshielded)
