"""A server's part of ASGI, without a server: one direct call a request."""

from __future__ import annotations

import asyncio
from typing import Any

Message = dict[str, Any]

SCOPE: Message = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/orders",
    "raw_path": b"/orders",
    "query_string": b"cart_id=3",
    "root_path": "",
    "headers": [(b"host", b"test")],
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 80),
}


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Message) -> None:
    pass


class Server:
    """Calls one app as a server does."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._state: Message = {}
        self._lifespan: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open the app's lifespan."""
        to_app: asyncio.Queue[Message] = asyncio.Queue()
        from_app: asyncio.Queue[Message] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self._state}
        self._lifespan = asyncio.create_task(self.app(scope, to_app.get, from_app.put))
        await to_app.put({"type": "lifespan.startup"})
        await from_app.get()

    async def request(self, **scope: Any) -> None:
        """Ask for `POST /orders` once; `scope` replaces parts of what is asked."""
        await self.app({**SCOPE, **scope, "state": self._state.copy()}, receive, send)

    async def stop(self) -> None:
        """End the lifespan, and whatever tasks are left with it."""
        if self._lifespan is not None:
            self._lifespan.cancel()
            await asyncio.wait([self._lifespan])
