"""What a recorded request costs at the least, piece by piece.

Each layer does what the one before does and a little more. The last has all that recording needs,
and keeps none of the library's promises: no errors, no tasks, no WebSockets, nobody who looks.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.requests import HTTPConnection

KEY = "floor"
LONG = 20_000_000
OVER = object()
clock = time.perf_counter_ns


class Awaiting:
    """In the place of Starlette's error middleware, without its answers."""

    def __init__(self, stack: Any) -> None:
        self.app = stack.app
        self.kept: deque[Exchange] = deque(maxlen=256)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class Watching(Awaiting):
    """Takes the first step by itself, to see whether it is the last."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        steps = self.app(scope, receive, send).__await__()
        return suspended() if next(steps, OVER) is not OVER else None


class Forwarding(Awaiting):
    """Stands between the app and the server's `send`."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        exchange = Exchange()
        exchange.server_send = send
        steps = self.app(scope, receive, exchange.forward).__await__()
        return suspended() if next(steps, OVER) is not OVER else None


class Timing(Awaiting):
    """Reads the clock four times: at both ends of the request and of its response."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        exchange = Exchange()
        exchange.server_send = send
        exchange.begin = clock()
        try:
            steps = self.app(scope, receive, exchange.send).__await__()
            return suspended() if next(steps, OVER) is not OVER else None
        finally:
            exchange.end = clock()


class Keeping(Awaiting):
    """Keeps the latest requests."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        exchange = Exchange()
        exchange.server_send = send
        exchange.method = scope["method"]
        exchange.path = scope["path"]
        exchange.begin = clock()
        self.kept.append(exchange)
        try:
            steps = self.app(scope, receive, exchange.send).__await__()
            return suspended() if next(steps, OVER) is not OVER else None
        finally:
            exchange.server_send = None
            exchange.end = clock()


class Attending(Awaiting):
    """Lets others find the request, wait for it and listen; tells whether it held the loop."""

    def __init__(self, stack: Any) -> None:
        super().__init__(stack)
        self.begun = self.ended = self.held = 0
        self.listeners: list[Any] = []
        self.waiters: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or KEY in scope:
            return await self.app(scope, receive, send)
        exchange = scope[KEY] = Exchange()
        exchange.server_send = send
        exchange.method = scope["method"]
        exchange.path = scope["path"]
        exchange.tasks = exchange.start = exchange.sent = exchange.end = None
        begin = exchange.begin = clock()
        exchange.id = self.begun = self.begun + 1
        self.kept.append(exchange)
        if self.listeners:
            suspended()
        try:
            steps = self.app(scope, receive, exchange.attend).__await__()
            return suspended() if next(steps, OVER) is not OVER else None
        finally:
            exchange.server_send = None
            exchange.route = scope["route"]
            end = exchange.end = clock()
            self.ended += 1
            if exchange.tasks is not None or self.waiters:
                suspended()
            if end - begin > LONG:
                # On a busy machine it may well be: then somebody would be told.
                self.held += 1


class Exchange:
    __slots__ = (
        "begin",
        "end",
        "id",
        "method",
        "path",
        "route",
        "sent",
        "server_send",
        "start",
        "status",
        "tasks",
    )

    async def forward(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self.server_send(message)

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.start = clock()
            await self.server_send(message)
        else:
            await self.server_send(message)
            self.sent = clock()

    async def attend(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            if self.tasks is not None or "trailers" in message:
                suspended()
            self.status = message["status"]
            self.start = clock()
            await self.server_send(message)
        else:
            await self.server_send(message)
            if self.tasks is not None or message.get("more_body"):
                suspended()
            self.sent = clock()


def suspended() -> None:
    """Refuse what the benchmark's endpoint and its server never do."""
    raise RuntimeError("this layer knows only one step, two messages and nobody who looks")


LAYERS: dict[str, type[Awaiting]] = {
    "a layer that awaits the app": Awaiting,
    "… and watches its first step": Watching,
    "… and forwards its messages": Forwarding,
    "… and reads the clock": Timing,
    "… and keeps the request": Keeping,
    "… and attends to those who ask": Attending,
}


def add_layer(app: FastAPI, layer: type[Awaiting] = Keeping) -> None:
    """Put a layer around an app."""
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: layer(build())  # type: ignore[method-assign]


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
