"""An app that holds its event loop in many ways and places.

A line that does so ends with `# holds:` and the name of the way. The test names the ways that it
will ask for in the environment, as WAYS.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import BackgroundTasks, Depends, FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_tasks import Recorder, Tasks, add_tasks, to_json

from . import Said, opened, say

SECONDS = 0.12


def sleep() -> None:
    time.sleep(SECONDS)  # holds: sleep


def python() -> None:
    until = time.perf_counter() + SECONDS
    count = 0
    while time.perf_counter() < until:  # holds: python
        count += 1  # holds: python


def dump() -> None:
    json.dumps(numbers * repeats["dump"])  # holds: dump


def order() -> None:
    sorted(words * repeats["order"])  # holds: order


def match() -> None:
    re.match(r"(?:a|aa)+$", "a" * repeats["match"] + "b")  # holds: match


def derive() -> None:
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 10_000 * repeats["derive"])  # holds: derive


ways: dict[str, Callable[[], None]] = {
    way.__name__: way for way in (sleep, python, dump, order, match, derive)
}
numbers = list(range(20_000))
words = [str(n * 7919 % 10_007) for n in range(10_000)]
repeats = {"dump": 1, "order": 1, "match": 20, "derive": 1}


def calibrate() -> None:
    """Let each call that works take long enough on this machine."""
    for way in repeats.keys() & os.environ.get("WAYS", "").split():
        while (took := _timed(way)) < SECONDS * 0.9:
            more = 1 if way == "match" else round(repeats[way] * min(SECONDS / took - 1, 50))
            repeats[way] += max(more, 1)


def _timed(way: str) -> float:
    begun = time.thread_time()
    ways[way]()
    return time.thread_time() - begun


Interval = tuple[int, int]

held: list[Interval] = []
gaps: list[Interval] = []


def hold(way: str) -> None:
    """Hold the loop, and note when."""
    begun = time.perf_counter_ns()
    ways[way]()
    held.append((begun, time.perf_counter_ns()))


async def tick() -> None:
    """Note all times between two turns of the loop."""
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
    """A middleware of the app's own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/held/middleware/"):
            hold(scope["path"].split("/")[3])
        await self.app(scope, receive, send)


shop = FastAPI(lifespan=lifespan)
shop.add_middleware(Holding)
shop.add_middleware(CORSMiddleware, allow_origins=["*"])
recorder = add_tasks(shop, recorder=Recorder(maxlen=10_000), watch=True)


@shop.get("/held/middleware/{way}/{number}")
async def in_middleware() -> None: ...


@shop.get("/held/endpoint/{way}/{number}")
async def in_endpoint(way: str) -> None:
    hold(way)


async def dependency(way: str) -> None:
    hold(way)


@shop.get("/held/dependency/{way}/{number}", dependencies=[Depends(dependency)])
async def in_dependency() -> None: ...


async def work(way: str) -> None:
    hold(way)


@shop.get("/held/task/{way}/{number}")
async def in_task(way: str, tasks: Tasks) -> None:
    tasks.schedule(work, way)
    await anyio.sleep(0.01)


@shop.get("/held/background/{way}/{number}")
async def in_background(way: str, tasks: BackgroundTasks) -> None:
    tasks.add_task(work, way)


@shop.get("/held/gather/{way}/{number}")
async def in_gather(way: str) -> None:
    await asyncio.gather(work(way), asyncio.sleep(0))


@shop.get("/held/group/{way}/{number}")
async def in_group(way: str) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(work, way)


@shop.get("/held/callback/{way}/{number}")
async def in_callback(way: str) -> None:
    asyncio.get_running_loop().call_soon(hold, way)
    await asyncio.sleep(0.01)


# Where threads keep the interpreter lock ------------------------------------------------------


@shop.get("/hog/{seconds}")
def hog(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:  # holds: hog
        sum(range(100))  # holds: hog


@shop.get("/innocent")
async def innocent() -> None:
    # Each gives the lock away, and has to wait for it.
    for _ in range(5):
        os.stat("/")


# What was recorded ----------------------------------------------------------------------------


@shop.get("/waiting")
async def waiting() -> None:
    say("waits")
    await opened("waited enough")


@shop.get("/timelines")
async def timelines(of: str) -> Response:
    """Return the timelines of all requests below this path, when their tasks have ended."""
    chosen = [one for one in recorder.timelines if one.path.startswith(of)]
    for timeline in chosen:
        await recorder.settled(of=timeline)
    return Response(to_json(chosen))


@shop.get("/stamps")
async def stamps() -> dict[str, list[Any]]:
    return {"held": held, "gaps": gaps}


app = Said(shop)
