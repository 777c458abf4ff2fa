"""An app that holds its event loop in many ways and places; the tests look up the lines by name.

A line that holds the loop ends with `# holds:` and a name.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from fastapi import BackgroundTasks, Depends, FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_tasks import Recorder, Tasks, add_tasks, to_json

from . import Said

SECONDS = 0.13


def sleep() -> None:
    time.sleep(SECONDS)  # holds: sleep


def python() -> None:
    until = time.perf_counter() + SECONDS
    count = 0
    while time.perf_counter() < until:  # holds: python
        count += 1  # holds: python


def dump() -> None:
    json.dumps(_NUMBERS * _REPEATS["dump"])  # holds: dump


def order() -> None:
    sorted(_WORDS * _REPEATS["order"])  # holds: order


def match() -> None:
    re.match(r"(?:a|aa)+$", "a" * _REPEATS["match"] + "b")  # holds: match


def derive() -> None:
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 10_000 * _REPEATS["derive"])  # holds: derive


_NUMBERS = list(range(20_000))
_WORDS = [str(n * 7919 % 10_007) for n in range(10_000)]
_REPEATS = {"dump": 1, "order": 1, "match": 20, "derive": 1}

HOLDS: dict[str, Callable[[], None]] = {
    one.__name__: one for one in (sleep, python, dump, order, match, derive)
}


def calibrate() -> None:
    """Make each call take long enough on this machine."""
    for name in _REPEATS:
        while True:
            begun = time.thread_time()
            HOLDS[name]()
            took = time.thread_time() - begun
            if took > SECONDS * 0.9:
                break
            factor = min(SECONDS / took * 1.1, 50)
            _REPEATS[name] = (
                _REPEATS[name] + 1 if name == "match" else max(int(_REPEATS[name] * factor), 1) + 1
            )


gaps: list[tuple[int, int]] = []


async def tick() -> None:
    """Note the times for which the loop did not come round."""
    last = time.perf_counter_ns()
    while True:
        await anyio.sleep(0.002)
        now = time.perf_counter_ns()
        gaps.append((last, now))
        last = now


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    calibrate()
    async with anyio.create_task_group() as group:
        group.start_soon(tick)
        yield
        group.cancel_scope.cancel()


class Holding:
    """A middleware of the user's own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/middleware/"):
            HOLDS[scope["path"].split("/")[2]]()
        await self.app(scope, receive, send)


held = FastAPI(lifespan=lifespan)
held.add_middleware(Holding)
held.add_middleware(CORSMiddleware, allow_origins=["*"])
recorder = add_tasks(held, recorder=Recorder(maxlen=5000), watch=True)


@held.get("/wait/{seconds}")
async def wait(seconds: float) -> None:
    await anyio.sleep(seconds)


@held.get("/middleware/{hold}/{number}")
async def in_middleware() -> None: ...


@held.get("/endpoint/{hold}/{number}")
async def in_endpoint(hold: str) -> None:
    HOLDS[hold]()


async def dependency(hold: str) -> None:
    HOLDS[hold]()


@held.get("/dependency/{hold}/{number}", dependencies=[Depends(dependency)])
async def in_dependency() -> None: ...


async def work(hold: str) -> None:
    HOLDS[hold]()


@held.get("/task/{hold}/{number}")
async def in_task(hold: str, tasks: Tasks) -> None:
    tasks.schedule(work, hold)
    await anyio.sleep(0.01)


@held.get("/background/{hold}/{number}")
async def in_background(hold: str, tasks: BackgroundTasks) -> None:
    tasks.add_task(work, hold)


@held.get("/gather/{hold}/{number}")
async def in_gather(hold: str) -> None:
    await asyncio.gather(work(hold), asyncio.sleep(0))


@held.get("/group/{hold}/{number}")
async def in_group(hold: str) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(work, hold)


@held.get("/callback/{hold}/{number}")
async def in_callback(hold: str) -> None:
    asyncio.get_running_loop().call_soon(lambda: HOLDS[hold]())
    await asyncio.sleep(0.01)


@held.get("/timelines")
async def timelines(of: str) -> Response:
    """Return the timelines of all requests to this path, when their tasks have ended."""
    chosen = [one for one in recorder.timelines if one.path.startswith(of)]
    for timeline in chosen:
        await recorder.settled(of=timeline)
    return Response(to_json(chosen))


@held.get("/gaps")
async def measured() -> list[tuple[int, int]]:
    return gaps


app = Said(held)
