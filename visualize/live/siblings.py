"""The other workers of the same server: each is found, and told of, over a socket in a folder.

All processes that one has started share a secret (see `token`), which names the folder; it is the
user's alone. Each worker has a socket there. One whose page is read follows all others, as long
as it is read. All of this runs on a thread with an event loop of its own, so that it works with
any server and any loop, and never in an app that has one process.
"""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
import stat
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from .counting import Numbers
from .feed import FRAME, Feed
from .frames import Cursor, Frame, Ring
from .pulse import SECOND
from .token import token_of

logger = logging.getLogger("visualize.live")

LOOK = 0.5
"""Seconds from one look for other workers to the next, and until one is followed no longer."""
READ = 5.0
"""Seconds after which nobody reads here any more."""
LIMIT = 64 * 1024 * 1024
"""Bytes of a line that another worker may send."""
LONGEST = 80
"""Characters of a folder's name: that of a socket in it must not have more than about a hundred."""


class SiblingFeed:
    """What another worker tells, frame by frame."""

    def __init__(self, path: Path) -> None:
        self.run = ""
        self.counters: Numbers | None = None
        self.findings: dict[str, Any] | None = None
        self.path = path
        self._version = -1
        self._ring = Ring()

    async def after(self, cursor: Cursor) -> list[Frame] | None:
        """Return the frames that follow a cursor; None where it is too far behind for them."""
        if cursor.run != self.run:
            return None
        return [] if cursor.version >= self._version else self._ring.after(cursor.version)

    async def catch_up(self, cursor: Cursor) -> AsyncIterator[bytes | Cursor]:
        """Yield where a reader will be once it has read what leads to new frames, and that."""
        try:
            async with await anyio.connect_unix(self.path) as stream:
                await stream.send(b"since %b\n" % str(cursor).encode())
                incoming = BufferedByteReceiveStream(stream)
                while said := json.loads(await incoming.receive_until(b"\n", LIMIT)):
                    if "reached" in said:
                        yield Cursor.parse(said["reached"])
                    else:
                        yield await incoming.receive_exactly(said["size"])
        except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError) as error:
            raise ConnectionResetError(f"the worker at {self.path} is gone") from error

    def take(self, said: dict[str, Any], body: tuple[bytes, ...]) -> None:
        """Take in what the worker told."""
        if "counters" in said:
            self.counters = said["counters"]
        elif "findings" in said:
            self.findings = said["findings"]
        else:
            self.run = said["run"]
            if "since" in said:
                numbers = (said["since"], said["until"], said["latest"], said["missed"])
                self._ring.keep(Frame(*numbers, body))
            self._version = said["until"]


class Siblings:
    """The workers beside this one, where there may be any; `name` is that of the page."""

    def __init__(self, name: str, feed: Feed) -> None:
        self._name = name
        self._feed = feed
        self._origin = os.getpid()
        self._feeds: dict[str, SiblingFeed] = {}
        self._asked = -READ
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()

    def feeds(self) -> list[SiblingFeed]:
        """Return those that are followed by now, and go on following for some seconds."""
        self._asked = time.monotonic()
        return [feed for feed in list(self._feeds.values()) if feed.run]

    def start(self) -> None:
        """Let others find this process, if there may be any."""
        if self._may_have_siblings() and (self._thread is None or not self._thread.is_alive()):
            self._ending = threading.Event()
            self._thread = threading.Thread(target=self._run, name="timeline workers", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Be found no longer."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(2)
            self._thread = None

    def _may_have_siblings(self) -> bool:
        forked = os.getpid() != self._origin
        spawned = multiprocessing.parent_process() is not None
        by_gunicorn = os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn")
        return (forked or spawned or by_gunicorn) and hasattr(asyncio, "start_unix_server")

    def _run(self) -> None:
        try:
            own = _folder(self._name) / f"{os.getpid()}.sock"
            own.unlink(missing_ok=True)
            asyncio.run(self._serve(own))
        except Exception:
            logger.exception(
                "the live timeline of this worker shows no other worker, and is shown by none"
            )

    async def _serve(self, own: Path) -> None:
        server = await asyncio.start_unix_server(self._answer, own, limit=LIMIT)
        try:
            await self._look_around(own)
        finally:
            server.close()
            _forget(own)

    async def _look_around(self, own: Path) -> None:
        """Follow every other worker while somebody reads here."""
        following: dict[str, asyncio.Task[None]] = {}
        while not self._ending.is_set():
            if time.monotonic() - self._asked < READ:
                for path in _others(own):
                    if path.name not in following or following[path.name].done():
                        following[path.name] = asyncio.create_task(self._follow(path))
            await asyncio.sleep(LOOK)
        for task in following.values():
            task.cancel()
        await asyncio.gather(*following.values(), return_exceptions=True)

    async def _follow(self, path: Path) -> None:
        feed = SiblingFeed(path)
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=LIMIT)
        except ConnectionRefusedError:
            # Its process ended without a word.
            _forget(path)
            return
        except OSError:
            return
        try:
            writer.write(b"follow\n")
            self._feeds[path.name] = feed
            while time.monotonic() - self._asked < READ:
                said = json.loads(await reader.readline())
                sizes = said.get("sizes", ())
                feed.take(said, tuple([await reader.readexactly(size) for size in sizes]))
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            self._feeds.pop(path.name, None)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Tell another worker what it asks for."""
        try:
            word, _, text = (await reader.readline()).decode().strip().partition(" ")
            with self._feed.reading():
                if word == "since":
                    await self._tell_since(Cursor.parse(text), writer)
                else:
                    await self._tell_on(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    async def _tell_since(self, cursor: Cursor, writer: asyncio.StreamWriter) -> None:
        async for piece in self._feed.catch_up(cursor):
            if isinstance(piece, Cursor):
                writer.write(_head({"reached": str(piece)}))
            else:
                writer.write(_head({"size": len(piece)}) + piece)
            await writer.drain()
        writer.write(_head({}))
        await writer.drain()

    async def _tell_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        feed = self._feed
        cursor = Cursor(feed.run)
        counted, told = 0.0, None
        at_end = asyncio.create_task(reader.read())
        while not self._ending.is_set() and not at_end.done():
            frames = await feed.after(cursor)
            if frames is None:
                async for piece in feed.catch_up(Cursor(feed.run, *feed.position)):
                    cursor = piece if isinstance(piece, Cursor) else cursor
                writer.write(_head({"run": feed.run, "until": cursor.version}))
            for frame in frames or ():
                cursor = frame.moves(cursor)
                said = {
                    "run": feed.run, "since": frame.since, "until": frame.until,
                    "latest": frame.latest, "missed": frame.missed,
                    "sizes": [len(piece) for piece in frame.body],
                }  # fmt: skip
                writer.write(_head(said) + b"".join(frame.body))
            if time.monotonic() - counted > SECOND:
                counted = time.monotonic()
                writer.write(_head({"counters": feed.counters()}))
                number, found = feed.findings()
                if number != told:
                    told = number
                    writer.write(_head({"findings": found}))
            await writer.drain()
            await asyncio.sleep(FRAME)
        at_end.cancel()


def _others(own: Path) -> list[Path]:
    """Find the sockets of all other workers."""
    return [path for path in own.parent.glob("*.sock") if path != own]


def _forget(own: Path) -> None:
    """Take a socket away, and the folder with the last of them."""
    own.unlink(missing_ok=True)
    with suppress(OSError):
        own.parent.rmdir()


def _head(said: dict[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode() + b"\n"


def _folder(name: str) -> Path:
    """Return the folder of a page's workers. Raises OSError where somebody else has made it."""
    secret = token_of(f"{name}, the folder of its workers")
    folder = Path(tempfile.gettempdir()) / f"timeline-{secret}"
    if len(str(folder)) > LONGEST:
        folder = Path("/tmp") / folder.name
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is there and not this user's alone: move it away")
    return folder
