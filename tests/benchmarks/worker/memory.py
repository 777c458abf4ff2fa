"""What requests and tasks keep in memory, as tracemalloc and the allocator count it."""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any

from contenders import Case, make_app
from server import Server

KEPT = 256


async def recorded(ask: Callable[[], Any], contender: str, tasks: int) -> AsyncIterator[float]:
    """Yield the bytes that each request leaves behind when all of its tasks have ended."""
    server = await _serving(Case(contender, tasks, "after_response"), _no_op)
    await _requests(server, 2 * KEPT)
    if contender == "on":
        server.app.state.tasks_recorder.clear()
    bytes_before = _traced()
    await _requests(server, KEPT)
    yield (_traced() - bytes_before) / KEPT
    tracemalloc.stop()
    await server.stop()


async def pending(ask: Callable[[], Any], contender: str, tasks: int) -> AsyncIterator[float]:
    """Yield the bytes of each task that has started and waits."""
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    count = 1 if contender == "plain" else tasks
    server = await _serving(Case(contender, count), wait)
    await _requests(server, 1)
    bytes_before = _traced()
    await _requests(server, 100)
    bare = [asyncio.create_task(wait()) for _ in range(100 * tasks)] if contender == "plain" else []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    yield (_traced() - bytes_before) / (100 * tasks)
    tracemalloc.stop()
    gate.set()
    await asyncio.gather(*bare)
    await server.stop()


async def growth(ask: Callable[[], Any], contender: str, requests: int) -> AsyncIterator[int]:
    """Yield how many more memory blocks are in use after `requests` more requests."""
    server = await _serving(Case(contender, 3, "after_response"), _no_op)
    await _requests(server, 10 * KEPT)
    blocks_before = _blocks()
    await _requests(server, requests)
    yield _blocks() - blocks_before
    await server.stop()


async def _no_op() -> None: ...


async def _serving(case: Case, job: Any) -> Server:
    server = Server(make_app(case, job))
    await server.start()
    return server


async def _requests(server: Server, count: int) -> None:
    for _ in range(count):
        # A server decodes these anew for each request.
        await server.request(path=str(b"/orders", "ascii"), method=str(b"POST", "ascii"))
        await asyncio.sleep(0)
    for _ in range(3):
        await asyncio.sleep(0)


def _traced() -> int:
    gc.collect()
    if not tracemalloc.is_tracing():
        tracemalloc.start()
    return tracemalloc.get_traced_memory()[0]


def _blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()
