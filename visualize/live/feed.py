"""What the readers of an app's timelines are told: each piece is written once, for all of them.

Readers who have kept up are given the same frames, each of which leads from one version to the
next. Who begins, or has been away for longer than the frames that are kept, is first told what
changed since then. There is no task of its own: whichever reader wakes first writes the frame.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

import anyio

from fastapi_tasks import Recorder

from .changes import Changes, News
from .pulse import Pulse
from .wire import pieces

FRAME = 0.05
"""Seconds from one frame to the next, at least."""
SHARE = 0.005
"""Seconds more between a reader's frames for each reader that there is."""
KEPT = 1_000_000
"""Bytes of frames that are kept for readers that lag behind."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader has read: up to which change, and which request was then the latest.

    `dropped` counts the requests that were let go before the reader saw them. `run` names the
    process that counts; as text, the cursor is the `id` of a message.
    """

    run: str = ""
    version: int = 0
    latest: int = 0
    dropped: int = 0

    def __str__(self) -> str:
        return f"{self.run}-{self.version}-{self.latest}-{self.dropped}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor; whatever is none stands for a reader who has read nothing."""
        run, *numbers = text.split("-")
        if len(numbers) == 3 and all(part.isascii() and part.isdigit() for part in numbers):
            return cls(run, *map(int, numbers))
        return cls()


@dataclass(frozen=True, slots=True)
class Frame:
    """What changed from one version to another, written; `missed` requests were let go unseen.

    `body` is whole messages in pieces, but for the end of the last.
    """

    since: int
    until: int
    latest: int
    missed: int
    body: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return sum(map(len, self.body))

    def moves(self, cursor: Cursor) -> Cursor:
        """Return where a reader is who has read this."""
        return replace(
            cursor, version=self.until, latest=self.latest, dropped=cursor.dropped + self.missed
        )


class Feed:
    """Frames of one recorder's changes, for any number of readers of one process."""

    def __init__(self, recorder: Recorder) -> None:
        self.run = secrets.token_hex(4)
        self._changes = Changes(recorder)
        self.pulse = Pulse(recorder, self._changes.counters)
        self._frames: deque[Frame] = deque()
        self._size = 0
        self._version = 0
        self._latest = 0
        self._writing = False
        self._written = 0.0

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

    async def after(self, cursor: Cursor) -> list[Frame] | None:
        """Return the frames that follow a cursor; None where it is too far behind for them."""
        if time.monotonic() - self._written >= self._interval:
            await self._write_frame()
        if cursor.run != self.run:
            return None
        if cursor.version == self._version:
            return []
        found = [frame for frame in list(self._frames) if frame.since >= cursor.version]
        return found if found and found[0].since == cursor.version else None

    async def catch_up(self, cursor: Cursor) -> tuple[Cursor, AsyncIterator[bytes]]:
        """Return what leads a reader to the frames to come, and where it is when it has read that.

        It is written piece by piece as it is read, whole messages but for the end of the last.
        """
        # No event would do: readers may be on several event loops.
        while not await self._write_frame():  # noqa: ASYNC110
            await anyio.sleep(FRAME / 10)
        if cursor.run != self.run:
            cursor = Cursor(self.run)
        news = self._changes.since(cursor.version, cursor.latest)
        reached = Cursor(self.run, self._version, self._latest, cursor.dropped + news.missed)
        return reached, _written(news, cursor.version)

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
            self._keep(Frame(since, news.version, news.latest, news.missed, body))
        finally:
            self._writing = False
            self._written = time.monotonic()
        return True

    def _keep(self, frame: Frame) -> None:
        self._version, self._latest = frame.until, frame.latest
        self._frames.append(frame)
        self._size += frame.size
        while self._size > KEPT and len(self._frames) > 1:
            self._size -= self._frames.popleft().size


def _written(news: News, since: int) -> AsyncIterator[bytes]:
    return pieces(partial(change.written, since) for change in news.changes)
