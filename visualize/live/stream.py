"""The stream of one reader."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .feed import Cursor, Feed
from .pulse import SECOND
from .stopping import cut_off, stopping
from .wire import PIECE, RETRY, end, event

STREAM = 60.0
"""Seconds after which a stream ends: a browser then comes back by itself."""
STALL = 10.0
"""Seconds that a reader may leave what was sent unread, before it is cut off."""
LOOK = 0.5
"""Seconds between two looks at whether a reader is stuck; one that is, is not waited for longer
where the server stops."""


class Stream(Response):
    """Tells a reader what is new, as server-sent events, until it goes or the server stops.

    A reader that reads nothing costs a piece of 64 KB and what the server holds of its own accord,
    then its connection.
    """

    def __init__(self, feed: Feed, cursor: Cursor) -> None:
        super().__init__(
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        del self.headers["content-length"]
        self._feed = feed
        self._cursor = cursor
        self._waiting_since: float | None = None
        self._counted = 0.0
        self._answer = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        with suppress(OSError):
            async with anyio.create_task_group() as group:
                group.start_soon(_until_gone, receive, group.cancel_scope)
                group.start_soon(self._until_stuck, scope, group.cancel_scope)
                await self._send_all(scope, send)
                group.cancel_scope.cancel()

    async def _send_all(self, scope: Scope, send: Send) -> None:
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(head)
        with self._feed.reading():
            until = time.monotonic() + STREAM
            await self._send(send, RETRY)
            while time.monotonic() < until and not stopping(scope):
                async for piece in self._news():
                    if piece:
                        await self._send(send, piece)
                await anyio.sleep(self._feed.pause)
        if stopping(scope):
            await self._send(send, event("stopping", os.getpid()))
        await self._send(send, b"", more=False)

    async def _news(self) -> AsyncIterator[bytes]:
        """Yield what this reader has not seen, in few pieces."""
        said = self._numbers()
        frames = await self._feed.after(self._cursor)
        if frames is None:
            before = self._cursor.dropped
            cursor, written = await self._feed.catch_up(self._cursor)
            yield said + _dropped(before, cursor)
            async for piece in written:
                yield piece
            yield end(cursor)
            self._cursor = cursor
            return
        for frame in frames:
            cursor = frame.moves(self._cursor)
            said += _dropped(self._cursor.dropped, cursor) + frame.body + end(cursor)
            self._cursor = cursor
        yield said

    def _numbers(self) -> bytes:
        """The counters, each second, and the findings when they changed."""
        now = time.monotonic()
        if now - self._counted < SECOND:
            return b""
        self._counted = now
        said = self._feed.pulse.counted()
        number, found = self._feed.pulse.found()
        if number != self._answer:
            self._answer = number
            said += found
        return said

    async def _send(self, send: Send, data: bytes, *, more: bool = True) -> None:
        self._waiting_since = time.monotonic()
        for first in range(0, len(data) or 1, PIECE):
            part = data[first : first + PIECE]
            await send({"type": "http.response.body", "body": part, "more_body": more})
            self._waiting_since = time.monotonic()
        self._waiting_since = None

    async def _until_stuck(self, scope: Scope, stream: anyio.CancelScope) -> None:
        """Cut a reader off that does not read, at once where the server stops."""
        while True:
            await anyio.sleep(LOOK)
            since = self._waiting_since
            if since is None:
                continue
            if time.monotonic() - since > (LOOK if stopping(scope) else STALL):
                cut_off(scope)
                stream.cancel()


def _dropped(before: int, cursor: Cursor) -> bytes:
    return event("dropped", cursor.dropped) if cursor.dropped != before else b""


async def _until_gone(receive: Receive, stream: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.cancel()
