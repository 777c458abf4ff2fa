"""How much a thread has worked, and whether it was kept from it by others."""

from __future__ import annotations

import sys
import threading
import time
from enum import Enum
from itertools import cycle
from typing import NamedTuple

from .turns import Reader, Turns

_TURN = round(sys.getswitchinterval() * 1.2e9)
"""Nanoseconds: who waits for the interpreter lock is awake again after each turn of another's, or
a moment later."""


class Kept(Enum):
    """What kept a thread from its work."""

    NOTHING = "nothing"
    LOCK = "the interpreter lock"
    MACHINE = "the machine"


class Usage(NamedTuple):
    """Nanoseconds since the watch began, all as of the moment `at`.

    `worked` is the processor time of the thread that is watched, None where the system does not
    tell; `slept` for how long it was, at least, in calls that wait. `all` is the processor time of
    the whole process. `late` is for how long the watching thread could not go on, although it had
    a processor.
    """

    at: int
    worked: int | None
    turns: Turns
    slept: int
    all: int
    late: int


class Share:
    """Tells whether a thread could work, or waited for the interpreter lock or for a processor.

    Who waits for either stands at an innocent line. Made on the thread that is watched; all but
    `kept()` is for the watching thread.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._late = self._asked = 0
        # Not always the same: whoever waits for the lock is in step with it, and a pause that is
        # as long as its own turn (5 ms) would end whenever the lock is free, and see no waiting.
        self._lengths = cycle((0.6, 1.4))
        self._reader = Reader(threading.get_native_id())
        self._own_reader: Reader | None = None
        self._own, self._looked = 0, time.perf_counter_ns()
        try:
            self._clock: int | None = time.pthread_getcpuclockid(threading.get_ident())
        except AttributeError:
            # Not on this system.
            self._clock = None
        self.latest = Usage(time.perf_counter_ns(), 0, Turns(), 0, 0, 0)
        self.latest = self._read()

    def rest(self, pause: int) -> None:
        """Wait for `pause` nanoseconds on average."""
        self._asked = round(pause * next(self._lengths))
        time.sleep(self._asked / 1e9)

    def look(self) -> None:
        """Renew `latest`, after each rest; this gives the interpreter lock away for a moment."""
        if self._own_reader is None:
            self._own_reader = Reader(threading.get_native_id())
        begun, own = self._looked, self._own
        self._looked = time.perf_counter_ns()
        self._own = time.thread_time_ns() + self._own_reader.read().queued
        self._late += max(self._looked - begun - self._asked - (self._own - own), 0)
        self.latest = self._read()

    def _read(self) -> Usage:
        before, late = self.latest, self._late
        at, all = time.perf_counter_ns(), time.process_time_ns()
        worked = None if self._clock is None else time.clock_gettime_ns(self._clock)
        # At last: having read them, one may wait long for the lock.
        now = Usage(at, worked, self._reader.read(), before.slept, all, late)
        return now._replace(slept=before.slept + _slept(before, now))

    def kept(self, before: Usage, since: int) -> Kept:
        """Tell what kept the thread from its work from `since` until now.

        `before` is the last usage that was read by then. It is enough that the thread has worked,
        or slept, for more than the limit: then nothing did.
        """
        now = self._read()
        if before.worked is None or now.worked is None:
            return Kept.NOTHING
        took, worked = now.at - before.at, now.worked - before.worked
        # What it did earlier than that is not known apart: it may have slept all the time.
        earlier = max(since - before.at, 0)
        slept = max(now.slept - before.slept - earlier, 0)
        if worked * (took - earlier) / took + slept > self._limit:
            return Kept.NOTHING
        queued = now.turns.queued - before.turns.queued
        others = now.all - before.all - worked
        late = now.late - before.late + max(now.at - self._looked - self._asked, 0)
        # Small shares: on a busy machine neither gets much.
        if late > took / 12 and others > (took - queued) / 10:
            return Kept.LOCK
        return Kept.MACHINE if queued > took / 2 else Kept.NOTHING


def worked(before: Usage, after: Usage) -> int:
    """Return how much the thread has worked between two moments; 0 where nobody knows."""
    if before.worked is None or after.worked is None:
        return 0
    return after.worked - before.worked


def _slept(before: Usage, after: Usage) -> int:
    """Return for how long, at least, the thread was in calls that wait: not for the lock."""
    took, has_worked = after.at - before.at, worked(before, after)
    if before.turns.times is None or after.turns.times is None:
        # Who waits for the lock works a little for that, again and again.
        return 0 if has_worked else took
    waited = took - has_worked - (after.turns.queued - before.turns.queued)
    # A wait for a processor is told when it is over: until then it looked like sleep.
    return min(waited, max(waited - (after.turns.times - before.turns.times) * _TURN, 0))
