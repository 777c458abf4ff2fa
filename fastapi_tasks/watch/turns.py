"""How a thread got its turns on the processors, where the system tells (Linux does)."""

from __future__ import annotations

import os
import weakref
from typing import NamedTuple


class Turns(NamedTuple):
    """`queued`: nanoseconds for which the thread was ready and had to wait for a processor.

    `times`: how often it got one; None where the system tells neither.
    """

    queued: int = 0
    times: int | None = None


class Reader:
    """Reads the turns of one thread, given by its native id, as long as the thread lives."""

    def __init__(self, native_id: int) -> None:
        try:
            self._file: int | None = os.open(f"/proc/self/task/{native_id}/schedstat", os.O_RDONLY)
        except OSError:
            self._file = None
            return
        # Two threads read it: it stays open as long as one of them may.
        weakref.finalize(self, os.close, self._file)

    def read(self) -> Turns:
        """Return what it has had so far; this gives the interpreter lock away for a moment."""
        if self._file is None:
            return Turns()
        _, queued, count = map(int, os.pread(self._file, 80, 0).split())
        return Turns(queued, count)
