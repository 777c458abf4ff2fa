"""An app that can make its process too small for another thread, for as long as the test wants.

A thread's stack is address space; here each takes more than is left.
"""

from __future__ import annotations

import resource
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from fastapi_tasks import Tasks, add_tasks, to_json

from . import Said, say

THREADS = 4
WORKS = 12
STACK = 256 * 2**20
HEADROOM = 64 * 2**20

threading.stack_size(STACK)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    say("database closed")


short = FastAPI(lifespan=lifespan)
recorder = add_tasks(short, grace_period=0.3, shutdown_timeout=1, threads=THREADS)
app = Said(short)


def work(number: int = -1) -> None:
    say(f"work {number}")


def meet(barrier: threading.Barrier) -> None:
    barrier.wait(10)


@short.post("/all-meet")
async def all_meet(tasks: Tasks) -> None:
    """Schedule as many tasks as there may be threads, each of which waits for all others."""
    barrier = threading.Barrier(THREADS)
    for _ in range(THREADS):
        tasks.schedule(meet, barrier)


@short.post("/two-meet")
async def two_meet(tasks: Tasks) -> None:
    """Have two threads started, which are idle afterwards."""
    barrier = threading.Barrier(2)
    for _ in range(2):
        tasks.schedule(meet, barrier)


@short.post("/works")
async def works(tasks: Tasks) -> None:
    """Schedule tasks while no thread can be started."""
    limit_memory(used_memory() + HEADROOM)
    try:
        threading.Thread(target=int).start()
    except RuntimeError as error:
        say(f"shortage: {error}")
    for number in range(WORKS):
        tasks.schedule(work, number)
    # Long enough for the pool to try.
    await anyio.sleep(0.2)


@short.post("/over")
async def over() -> None:
    """End the shortage."""
    limit_memory(resource.getrlimit(resource.RLIMIT_AS)[1])


def limit_memory(size: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def used_memory() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


@short.get("/timelines")
async def timelines(of: str) -> PlainTextResponse:
    chosen = [timeline for timeline in recorder.timelines if timeline.path == of]
    with anyio.fail_after(20):
        while not all(timeline.settled for timeline in chosen):
            await anyio.sleep(0.01)
    return PlainTextResponse(to_json(chosen))
