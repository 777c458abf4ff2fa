"""What a recorded request costs at the least: nothing here can do what the library promises.

One dependency of FastAPI's, which does nothing. One layer, which only awaits the app, forwards its
messages, reads the clock four times and keeps one small object. One bare asyncio task per job.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.requests import HTTPConnection


class Kept:
    __slots__ = ("begin", "end", "method", "path", "sent", "server_send", "start", "status")

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.start = time.perf_counter_ns()
            await self.server_send(message)
        else:
            await self.server_send(message)
            self.sent = time.perf_counter_ns()


class Layer:
    """In the place of Starlette's error middleware, without its answers."""

    def __init__(self, stack: Any) -> None:
        self.app = stack.app
        self._kept: deque[Kept] = deque(maxlen=256)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kept = Kept()
        kept.server_send = send
        kept.method = scope["method"]
        kept.path = scope["path"]
        kept.begin = time.perf_counter_ns()
        self._kept.append(kept)
        try:
            await self.app(scope, receive, kept.send)
        finally:
            kept.server_send = None
            kept.end = time.perf_counter_ns()


def add_layer(app: FastAPI) -> None:
    """Put the layer around an app."""
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: Layer(build())  # type: ignore[method-assign]


class BareTasks:
    """Starts what it is given, and keeps it until it has ended."""

    def __init__(self) -> None:
        self._running: set[Any] = set()

    def schedule(self, job: Any) -> None:
        task = asyncio.create_task(job())
        self._running.add(task)
        task.add_done_callback(self._running.discard)


BARE_TASKS = BareTasks()


async def get_bare_tasks(connection: HTTPConnection) -> BareTasks:
    return BARE_TASKS


Bare = Annotated[BareTasks, Depends(get_bare_tasks, scope="request")]
