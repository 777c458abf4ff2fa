"""Files that are written: whole, to where their name points, and not over somebody else's work.

A device, a pipe or a socket gets the bytes; a link stays, and what it points to is written; a file
keeps its mode and its owner. An old file stays until the new one is complete.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

HEAD = 65_536
"""Bytes at a file's beginning by which it is known."""

_LINKS = 40
_BINARY = getattr(os, "O_BINARY", 0)


@contextmanager
def writing(path: str | Path) -> Iterator[IO[bytes]]:
    """Give a file to write bytes into, which has its name when the block ends without an error.

    Raises OSError if it cannot be written.
    """
    output = Output(path)
    try:
        yield output.file
        output.finish()
    except BaseException:
        output.discard()
        raise


def beginning(path: str | Path) -> bytes | None:
    """Return how the file begins that writing there would replace; None where there is none.

    A device or a pipe is none: nothing is lost there. What may not be read begins with nothing
    that is known, and is not empty.
    """
    target = target_of(path)
    if target is None or not target.exists():
        return None
    try:
        with target.open("rb") as file:
            return file.read(HEAD)
    except PermissionError:
        return b"\0"


def target_of(path: str | Path) -> Path | None:
    """Return the regular file that a name stands for, there or not, behind all links.

    None for a device, a pipe or a socket, also where the name is that of an open file, as
    /dev/stdout. Raises OSError for a folder, and for links that lead nowhere.
    """
    target = Path(path)
    for _ in range(_LINKS):
        if not target.is_symlink():
            break
        if os.path.realpath(target.parent).startswith("/proc/"):
            # The link stands for what is open there, which may have no name.
            return None
        target = target.parent / target.readlink()
    else:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    with suppress(FileNotFoundError):
        mode = target.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            return None
    return target


class Output:
    """A file that is being written: `file` takes bytes, until `finish()`, `leave()` or `discard()`.

    Until then they stand beside the file that they replace, under a name that nobody has used, or
    under `unfinished`. Raises OSError if that, or the file itself, cannot be written.
    """

    def __init__(self, path: str | Path, *, unfinished: str | Path | None = None) -> None:
        self._target = target_of(path)
        self._part: Path | None = None
        self.file: IO[bytes]
        if self._target is None:
            # Neither made nor cut: what is open already may be in the middle of something.
            flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOCTTY", 0)
            self.file = os.fdopen(os.open(path, flags), "wb")
            return
        self._old = self._target.stat() if self._target.exists() else None
        if self._old is not None and not os.access(self._target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        try:
            part = Path(unfinished or self._target.with_name(f".{secrets.token_hex(8)}.part"))
            self.file = self._beside(part)
            self._part = part
        except PermissionError:
            # The folder takes no new file, and yet this one may be written.
            if unfinished is not None or self._old is None:
                raise
            self.file = tempfile.TemporaryFile()  # noqa: SIM115

    def finish(self) -> None:
        """Put the file in its place, and close it; where that fails, what was written stays."""
        self.file.flush()
        if self._target is not None and not self._takes_its_place(self._target):
            self._write_over(self._target)
        self.discard()

    def leave(self) -> None:
        """Close the file, and let what was written stand under its unfinished name."""
        self._part = None
        with suppress(OSError):
            self.file.close()

    def discard(self) -> None:
        """Close the file and leave everything as it was."""
        try:
            self.file.close()
        finally:
            if self._part is not None:
                self._part.unlink(missing_ok=True)

    def _beside(self, part: Path) -> IO[bytes]:
        # Exclusively: a name that somebody has laid out, and be it a link, is never followed.
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY
        # What replaces a private file is private from its first byte on.
        file = os.fdopen(os.open(part, flags, 0o666 if self._old is None else 0o600), "w+b")
        if self._old is not None:
            with suppress(OSError, AttributeError):
                os.chown(part, self._old.st_uid, self._old.st_gid)
            with suppress(OSError):
                part.chmod(stat.S_IMODE(self._old.st_mode))
        return file

    def _takes_its_place(self, target: Path) -> bool:
        """Rename the new file, unless the old one has to be written itself."""
        if self._part is None or not self._is_like_the_old():
            return False
        try:
            self._part.replace(target)
        except OSError:
            # Such as a file that is mounted, or somebody else's in a shared folder.
            if self._old is None:
                raise
            return False
        self._part = None
        return True

    def _is_like_the_old(self) -> bool:
        old, new = self._old, os.fstat(self.file.fileno())
        if old is None:
            return True
        owned = (old.st_uid, old.st_gid, old.st_mode) == (new.st_uid, new.st_gid, new.st_mode)
        return owned and old.st_nlink == 1

    def _write_over(self, target: Path) -> None:
        self.file.seek(0)
        with target.open("r+b") as old:
            shutil.copyfileobj(self.file, old)
            old.truncate()
