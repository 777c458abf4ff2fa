"""What the readers of an app's timelines are told: each piece is written once, for all of them.

Readers who have kept up are given the same frames, each of which leads from one version to the
next. Who begins, or has been away for longer than the frames that are kept, is first told what
changed since then. There is no task of its own: whichever reader wakes first writes the frame.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import anyio

from fastapi_tasks import Recorder

from .answering import Answering
from .changes import Changes, News
from .counting import Numbers
from .frames import Cursor, Frame, Ring
from .wire import pieces

FRAME = 0.05
"""Seconds from one frame to the next, at least."""
SHARE = 0.0075
"""Seconds more between a reader's frames for each reader that there is."""


class Feed:
    """Frames of one recorder's changes, for any number of readers of one process."""

    def __init__(self, recorder: Recorder) -> None:
        self._token = secrets.token_hex(4)
        self._changes = Changes(recorder)
        self._answering = Answering(recorder)
        self._ring = Ring()
        self._version = 0
        self._latest = 0
        self._writing = False
        self._written = 0.0

    @property
    def run(self) -> str:
        """What names this process in a cursor, also if it was forked from one with this feed."""
        return f"{self._token}{os.getpid():x}"

    @property
    def pause(self) -> float:
        """Seconds until a reader need look again."""
        return FRAME + SHARE * self._changes.readers

    @property
    def _interval(self) -> float:
        """Seconds from one frame to the next: fewer, larger frames say less twice."""
        return max(0.8 * FRAME, self.pause / 2)

    def reading(self) -> AbstractContextManager[None]:
        """Keep listening to the recorder while this is open."""
        return self._changes.reading()

    @property
    def position(self) -> tuple[int, int]:
        """The version and the latest request that the frames have led to."""
        return self._version, self._latest

    def counters(self) -> Numbers:
        """Return what the app does right now, in numbers."""
        return self._changes.counters()

    def findings(self) -> tuple[int, dict[str, Any]]:
        """Return the latest findings, and their number, which grows when they change."""
        return self._answering.ask(), self._answering.found

    async def after(self, cursor: Cursor) -> list[Frame] | None:
        """Return the frames that follow a cursor; None where it is too far behind for them."""
        if time.monotonic() - self._written >= self._interval:
            await self._write_frame()
        if cursor.run != self.run:
            return None
        return [] if cursor.version == self._version else self._ring.after(cursor.version)

    async def catch_up(self, cursor: Cursor) -> AsyncIterator[bytes | Cursor]:
        """Yield where a reader will be once it has read what leads to new frames, and that."""
        # No event would do: readers may be on several event loops.
        while not await self._write_frame():  # noqa: ASYNC110
            await anyio.sleep(FRAME / 10)
        if cursor.run != self.run:
            cursor = Cursor(self.run)
        news = self._changes.since(cursor.version, cursor.latest)
        dropped = cursor.dropped + news.missed
        reached = Cursor(self.run, self._version, self._latest, dropped)
        yield reached
        async for piece in _written(news, cursor.version):
            yield piece

    async def _write_frame(self) -> bool:
        """Write what has changed; return False where another reader is about to."""
        if self._writing:
            return False
        if self._version == self._changes.version:
            return True
        self._writing = True
        try:
            since = self._version
            news = self._changes.since(since, self._latest)
            body = tuple([piece async for piece in _written(news, since)])
            self._ring.keep(Frame(since, news.version, news.latest, news.missed, body))
            self._version, self._latest = news.version, news.latest
        finally:
            self._writing = False
            self._written = time.monotonic()
        return True


def _written(news: News, since: int) -> AsyncIterator[bytes]:
    return pieces(partial(change.written, since) for change in news.changes)
