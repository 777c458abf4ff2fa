"""One request to an app that is called in this process, and its answer on the way back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from starlette.types import Message, Scope

BUFFER = 65_536
"""Bytes that the client has not read yet, beyond which the app waits before it sends more."""


class Exchange:
    """What passes between an app and a client, as between a server and a socket.

    The client's buffer takes whatever one message brings; the next one waits while more than
    `BUFFER` bytes are in it. `status` is None until the answer starts. `complete` says that the
    last byte is in the buffer, `broken` why it never will be, `left` that the client went away.
    """

    def __init__(self, scope: Scope, upload: AsyncIterator[bytes]) -> None:
        self.scope = scope
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = False
        self.broken: str | None = None
        self.left = False
        self._upload: AsyncIterator[bytes] | None = upload
        self._parts: deque[bytes] = deque()
        self._unread = 0
        self._news = asyncio.Event()

    async def receive(self) -> Message:
        """Give the app the next part of the request, then wait to say that it is over."""
        if self._upload is not None:
            part = await anext(self._upload, None)
            if part is not None:
                return {"type": "http.request", "body": part, "more_body": True}
            self._upload = None
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._until(lambda: self.left or self.complete)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take the next part of the answer. To a client that went away it is lost."""
        await self._until(lambda: self._unread <= BUFFER or self.left)
        if self.left:
            return
        expected = "http.response.start" if self.status is None else "http.response.body"
        if self.complete or message["type"] != expected:
            after = "after the last one" if self.complete else f"in place of {expected!r}"
            raise RuntimeError(f"the app sent {message['type']!r} {after}")
        if self.status is None:
            self.status, self.headers = message["status"], list(message.get("headers", []))
        else:
            self._take(message.get("body", b""))
            self.complete = not message.get("more_body", False)
        self._tell()

    def break_off(self, why: str) -> None:
        """Let the client know that the rest never comes."""
        self.broken = why
        self._tell()

    def leave(self) -> None:
        """Let the app know that the client went away."""
        self.left = True
        self._tell()

    async def answered(self) -> bool:
        """Wait until the answer starts; return False when it never will."""
        await self._until(lambda: self.status is not None or self.broken is not None)
        return self.status is not None

    async def read(self) -> bytes | None:
        """Wait for the next part of the answer; return None at its end, or where it broke off."""
        await self._until(lambda: bool(self._parts) or self.complete or self.broken is not None)
        if not self._parts:
            return None
        part = self._parts.popleft()
        self._unread -= len(part)
        self._tell()
        return part

    def _take(self, part: bytes) -> None:
        if part and self.scope["method"] != "HEAD":
            self._parts.append(part)
            self._unread += len(part)

    async def _until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
