"""A server's part of ASGI, in the test's own hands: its `send`, its lifespan, its clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from fastapi_tasks import Timeline, recorder_of

Message = dict[str, Any]


@dataclass
class Answer:
    """What the server got of one response."""

    messages: list[Message] = field(default_factory=list)
    error: BaseException | None = None

    @property
    def status(self) -> int:
        return next(m["status"] for m in self.messages if m["type"] == "http.response.start")

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.messages)


OnSend = Callable[[Message], Awaitable[object]]


async def _nothing(_: Message) -> None: ...


class Server:
    """Calls an app as a server does."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.state: dict[str, Any] = {}

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def settle(self, path: str, *, method: str = "GET", **options: Any) -> Timeline:
        """Send one request, wait for all tasks to end, and return the latest timeline."""
        recorder = recorder_of(self.app)
        assert recorder is not None
        await self.request(method, path, **options)
        await recorder.settled()
        assert recorder.last is not None
        return recorder.last

    async def request(
        self,
        method: str,
        path: str,
        *,
        on_send: OnSend = _nothing,
        incoming: list[Message] | None = None,
        extensions: dict[str, Any] | None = None,
        headers: dict[bytes, bytes] | None = None,
        spec_version: str = "2.4",
    ) -> Answer:
        """Send one request; `on_send` runs inside the server's `send` of each message."""
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": spec_version},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"test"), *(headers or {}).items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "state": dict(self.state),
            "extensions": extensions or {},
        }
        messages = incoming or [{"type": "http.request", "body": b"", "more_body": False}]
        return await self._call(scope, messages, on_send)

    async def websocket(
        self, path: str, incoming: list[Message], *, on_send: OnSend = _nothing
    ) -> Answer:
        """Open one connection, receive `incoming`, then a disconnect."""
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"test")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
            "subprotocols": [],
            "state": dict(self.state),
        }
        messages = [{"type": "websocket.connect"}, *incoming]
        return await self._call(scope, messages, on_send)

    async def _call(self, scope: Message, incoming: list[Message], on_send: OnSend) -> Answer:
        answer = Answer()
        waiting = list(incoming)

        async def receive() -> Message:
            if waiting:
                return waiting.pop(0)
            if scope["type"] == "websocket":
                return {"type": "websocket.disconnect", "code": 1000}
            await anyio.sleep_forever()
            raise AssertionError

        async def send(message: Message) -> None:
            answer.messages.append(message)
            await on_send(message)

        try:
            await self.app(scope, receive, send)
        except Exception as error:
            answer.error = error
        return answer


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[Server]:
    """Run the app's lifespan around the block, shutdown included."""
    server = Server(app)
    to_app, app_receives = anyio.create_memory_object_stream[Message](2)
    app_sends, from_app = anyio.create_memory_object_stream[Message](2)
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": server.state}

    async def live() -> None:
        with app_receives, app_sends:
            await app(scope, app_receives.receive, app_sends.send)

    with to_app, from_app:
        async with anyio.create_task_group() as group:
            group.start_soon(live)
            await to_app.send({"type": "lifespan.startup"})
            assert await from_app.receive() == {"type": "lifespan.startup.complete"}
            try:
                yield server
            finally:
                with anyio.CancelScope(shield=True):
                    await to_app.send({"type": "lifespan.shutdown"})
                    assert await from_app.receive() == {"type": "lifespan.shutdown.complete"}


class Buffering:
    """A middleware that sends a response only when it has all of it, and some seconds later."""

    def __init__(self, app: Any, seconds: float, below: str = "/") -> None:
        self.app = app
        self.seconds = seconds
        self.below = below

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        if not scope.get("path", "").startswith(self.below):
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, keep)
        await anyio.sleep(self.seconds)
        for message in messages:
            await send(message)
