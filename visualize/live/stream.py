"""The stream of one reader."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .frames import Cursor, Cursors, Source
from .packing import Packing
from .pulse import SECOND
from .sources import Sources
from .stopping import cut_off, stopping
from .wire import PIECE, RETRY, end, event

STREAM = 60.0
"""Seconds after which a stream ends: a browser then comes back by itself."""
STALL = 10.0
"""Seconds that a reader may leave what was sent unread, before it is cut off."""
LOOK = 2.0
"""Seconds between two looks at whether a reader is stuck, and the pause of its readers more; one
that is, is not waited for longer where the server stops."""


class Stream(Response):
    """Tells a reader what is new, as server-sent events, until it goes or the server stops.

    A reader that reads nothing costs a piece of 64 KB and what the server holds of its own accord,
    then its connection.
    """

    def __init__(self, sources: Sources, cursors: Cursors, packing: Packing) -> None:
        super().__init__(
            media_type="text/event-stream",
            headers={**packing.headers, "Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        del self.headers["content-length"]
        self._sources = sources
        self._cursors = cursors
        self._packing = packing
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
        await self._send(send, self._packing.head + self._packing.packed(RETRY))
        with self._sources.reading():
            until = time.monotonic() + STREAM
            while time.monotonic() < until and not stopping(scope):
                await self._send_news(send)
                await anyio.sleep(self._sources.pause)
        last = b""
        if stopping(scope):
            last = self._packing.packed(event("stopping", os.getpid()))
        await self._send(send, last + self._packing.end(), more=False)

    async def _send_news(self, send: Send) -> None:
        """Send what this reader has not seen, in few and bounded messages."""
        parts: list[bytes] = []
        size = 0
        async for part in self._news():
            parts.append(self._packing.packed(part))
            size += len(parts[-1])
            if size > PIECE:
                await self._send(send, b"".join(parts))
                parts.clear()
                size = 0
        if parts:
            await self._send(send, b"".join(parts))

    async def _news(self) -> AsyncIterator[bytes]:
        for said in self._numbers():
            yield said
        for source in self._sources.all():
            with suppress(OSError):
                async for said in self._news_of(source):
                    yield said

    async def _news_of(self, source: Source) -> AsyncIterator[bytes]:
        before = self._cursors.get(source.run, Cursor())
        frames = await source.after(before)
        if frames is None:
            async for piece in source.catch_up(before):
                if not isinstance(piece, Cursor):
                    yield piece
                    continue
                reached = piece
                if missed := self._missed(reached):
                    yield missed
            yield self._moved(reached)
            return
        for frame in frames:
            reached = frame.moves(self._cursors[source.run])
            if missed := self._missed(reached):
                yield missed
            for part in frame.body:
                yield part
            yield self._moved(reached)

    def _missed(self, reached: Cursor) -> bytes:
        """Tell how many were let go unseen, if they get more."""
        more = reached.dropped - self._cursors.get(reached.run, Cursor()).dropped
        return event("dropped", self._cursors.dropped + more) if more else b""

    def _moved(self, reached: Cursor) -> bytes:
        """Move the reader's cursor, and end the message."""
        self._cursors[reached.run] = reached
        return end(self._cursors)

    def _numbers(self) -> Iterator[bytes]:
        """Yield the counters, each second, and the findings when they changed."""
        now = time.monotonic()
        if now - self._counted < SECOND:
            return
        self._counted = now
        yield self._sources.pulse.counted()
        number, found = self._sources.pulse.found()
        if number != self._answer:
            self._answer = number
            yield found

    async def _send(self, send: Send, data: bytes, *, more: bool = True) -> None:
        self._waiting_since = time.monotonic()
        await send({"type": "http.response.body", "body": data, "more_body": more})
        self._waiting_since = None

    async def _until_stuck(self, scope: Scope, stream: anyio.CancelScope) -> None:
        """Cut a reader off that does not read, at once where the server stops."""
        while True:
            await anyio.sleep(LOOK + self._sources.pause)
            since = self._waiting_since
            if since is None:
                continue
            if time.monotonic() - since > (LOOK if stopping(scope) else STALL):
                cut_off(scope)
                stream.cancel()


async def _until_gone(receive: Receive, stream: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.cancel()
