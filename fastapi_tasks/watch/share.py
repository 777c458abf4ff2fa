"""How much a thread has worked, and whether it was kept from it by others."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from itertools import cycle, pairwise
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

    def __init__(self, limit: float, now: Callable[[], int] = time.perf_counter_ns) -> None:
        self._limit = limit
        self._now = now
        self._late = self._asked = 0
        # Not always the same: whoever waits for the lock is in step with it, and a pause that is
        # as long as its own turn (5 ms) would end whenever the lock is free, and see no waiting.
        self._lengths = cycle((0.6, 1.4))
        self._reader = Reader(_thread_id())
        self._own_reader: Reader | None = None
        self._own, self._looked = 0, now()
        try:
            self._clock: int | None = time.pthread_getcpuclockid(threading.get_ident())
        except (AttributeError, OSError):
            # Not on this system: in a browser it is there, and fails.
            self._clock = None
        self.latest = Usage(now(), 0, Turns(), 0, 0, 0)
        self.latest = self._read()
        self._past = deque([self.latest], maxlen=64)

    def rest(self, pause: int) -> None:
        """Wait for `pause` nanoseconds on average."""
        self._asked = round(pause * next(self._lengths))
        time.sleep(self._asked / 1e9)

    def look(self, back: Callable[[], object] = lambda: None) -> None:
        """Renew `latest`, after each rest.

        This gives the interpreter lock away, more than once, and each time it may be long until it
        is had again: `back` is called then.
        """
        if self._own_reader is None:
            self._own_reader = Reader(_thread_id())
        queued = self._own_reader.read().queued
        back()
        begun, own = self._looked, self._own
        self._looked = self._now()
        self._own = time.thread_time_ns() + queued
        self._late += max(self._looked - begun - self._asked - (self._own - own), 0)
        self.latest = self._read()
        self._past.append(self.latest)
        back()

    def around(self, moment: int) -> tuple[Usage, Usage]:
        """Return the last usage that was read before a moment not long ago, and the next one."""
        # Both threads ask, and one of them adds to it.
        past = reversed(list(self._past))
        for after, before in pairwise(past):
            if before.at <= moment:
                return before, after
        return self._past[0], self._past[0]

    def worked_since(self, before: Usage) -> int:
        """Return how long the thread has worked since then; this keeps the interpreter lock."""
        if self._clock is None or before.worked is None:
            return 0
        return time.clock_gettime_ns(self._clock) - before.worked

    def late_since(self, before: Usage) -> int:
        """Return for how long the watching thread could not go on since then."""
        return self._late - before.late + max(self._now() - self._looked - self._asked, 0)

    def _read(self) -> Usage:
        before, late = self.latest, self._late
        at, all = self._now(), time.process_time_ns()
        worked = None if self._clock is None else time.clock_gettime_ns(self._clock)
        # At last: having read them, one may wait long for the lock.
        now = Usage(at, worked, self._reader.read(), before.slept, all, late)
        return now._replace(slept=before.slept + _slept(before, now))

    def kept(self, since: int, around: tuple[Usage, Usage]) -> Kept:
        """Tell what kept the thread from its work from `since` until now.

        `around` is what was read around that moment. It is enough that the thread has worked, or
        slept, for more than the limit: then nothing did. Where others had the lock meanwhile, it
        must have been a good part of the time.
        """
        before, first = around
        now = self._read()
        if before.worked is None or now.worked is None:
            return Kept.NOTHING
        took, worked = now.at - before.at, now.worked - before.worked
        # What it did earlier than that is not known apart: it may have slept all the time.
        earlier = max(since - before.at, 0)
        if now.turns.times is not None and now.turns.times == before.turns.times:
            # It never left its processor, which belongs to others where the machine is a guest.
            return Kept.NOTHING if worked > took / 2 else Kept.MACHINE
        slept = max(now.slept - before.slept - earlier, now.slept - first.slept, 0)
        own = worked * (took - earlier) / max(took, 1) + slept
        queued = now.turns.queued - before.turns.queued
        others = now.all - before.all - worked
        ready = took - queued
        # Small shares: on a busy machine neither gets much.
        locked = self.late_since(before) > took / 12 and others > ready / 10
        # To wait for the lock is some work as well.
        if own > (max(self._limit, ready / 8) if locked else self._limit):
            return Kept.NOTHING
        if locked:
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


def _thread_id() -> int:
    # Not on every system, as in a browser; what reads by it finds nothing there.
    return getattr(threading, "get_native_id", threading.get_ident)()
