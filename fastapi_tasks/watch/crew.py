"""The other threads of the process: which of them may have the interpreter lock."""

from __future__ import annotations

import sys
import threading
import time

from .stacks import Stack, stack_of

_LEAST = 2_000_000
"""Nanoseconds of work below which no thread keeps another from it."""

_MOST = 3
"""Stacks that are looked at: the one that worked most may be at rest by now."""


class Crew:
    """Made on the thread that all others are compared with."""

    def __init__(self) -> None:
        self._watched = threading.get_ident()
        self._worked = _worked()

    def at_work(self) -> list[Stack]:
        """Return the stacks of those that worked most since the last call, most first."""
        before, self._worked = self._worked, _worked()
        grown = {one: time - before.get(one, 0) for one, time in self._worked.items()}
        mine = (self._watched, threading.get_ident())
        busy = [one for one, time in grown.items() if time > _LEAST and one not in mine]
        busy.sort(key=grown.__getitem__, reverse=True)
        return [stack for one in busy[:_MOST] if (stack := stack_of(one)) is not None]


def _worked() -> dict[int, int]:
    """Return the processor time of each thread, by its identity; nothing but on Linux."""
    if sys.platform != "linux":
        return {}
    return {
        thread.ident: time
        for thread in threading.enumerate()
        if thread.ident is not None
        and thread.native_id is not None
        and (time := _clock(thread.native_id)) is not None
    }


def _clock(native_id: int) -> int | None:
    # As the C library makes it of a thread (the kernel's include/linux/posix-timers.h). Asked for
    # by the thread's own identity it might end the process, where the thread has just ended.
    try:
        return time.clock_gettime_ns((~native_id << 3) | 6)
    except OSError:
        return None
