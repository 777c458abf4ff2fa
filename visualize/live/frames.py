"""What readers are given, and how far each has read."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Protocol

KEPT = 1_000_000
"""Bytes of frames that are kept for readers that lag behind."""
MOST_PROCESSES = 64
"""So many processes a cursor can speak of."""


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


class Cursors(dict[str, Cursor]):
    """How far a reader has read of each process; as text, the `id` of a message."""

    def __str__(self) -> str:
        return "_".join(map(str, self.values()))

    @property
    def dropped(self) -> int:
        """How many requests of all processes were let go before the reader saw them."""
        return sum(cursor.dropped for cursor in self.values())

    @classmethod
    def parse(cls, text: str) -> Cursors:
        """Read the `id` of a message; what is none is left out."""
        found = map(Cursor.parse, text.split("_")[:MOST_PROCESSES])
        return cls({cursor.run: cursor for cursor in found if cursor.run})


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


class Ring:
    """The last frames, each of which leads from where the one before ended."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._size = 0

    def keep(self, frame: Frame) -> None:
        """Take a frame in; of too many, the oldest go."""
        self._frames.append(frame)
        self._size += frame.size
        while self._size > KEPT and len(self._frames) > 1:
            self._size -= self._frames.popleft().size

    def after(self, version: int) -> list[Frame] | None:
        """Return the frames from this version on; None where the first of them is gone."""
        found = [frame for frame in list(self._frames) if frame.since >= version]
        return found if found and found[0].since == version else None


class Source(Protocol):
    """The changes of one process."""

    @property
    def run(self) -> str:
        """What names the process in a cursor."""

    async def after(self, cursor: Cursor) -> list[Frame] | None:
        """Return the frames that follow a cursor; None where it is too far behind for them."""

    def catch_up(self, cursor: Cursor) -> AsyncIterator[bytes | Cursor]:
        """Yield where a reader will be once it has read what leads to the frames to come, and that.

        It is written piece by piece as it is read, whole messages but for the end of the last.
        Raises OSError where the process is gone.
        """
