"""How much a thread has worked, and whether it was kept from it by others."""

from __future__ import annotations

import sys
import time
from collections import deque
from itertools import cycle
from typing import NamedTuple

_TURN = round(sys.getswitchinterval() * 1e9)
"""Nanoseconds after which a thread that waits for the interpreter lock asks for it again."""


class Usage(NamedTuple):
    """Nanoseconds, all as of one moment.

    `own` is the processor time of the thread that is watched, None where the system does not tell;
    `all` that of the whole process; `late` how much later than asked for the watching thread has
    woken up, since it was started.
    """

    at: int
    own: int | None
    all: int
    late: int


class Share:
    """Tells whether a thread could work, or waited for the interpreter lock.

    What waits for the lock stands at an innocent line. Three signs together tell: the thread has
    worked less than the limit while others worked, and the thread that looks had to wait as well.
    Not if it did not work at all for so long that it must have been in a call: who waits for the
    lock asks for it again and again.
    """

    def __init__(self, thread: int, limit: float) -> None:
        self._limit = limit
        self._late = 0
        self._waits: deque[int] = deque(maxlen=50)
        self._due = time.perf_counter_ns()
        self._stands: tuple[int | None, int] = None, 0
        # Not always the same: whoever waits for the lock is in step with it, and a pause that is
        # as long as its own turn (5 ms) would end whenever the lock is free, and see no waiting.
        self._lengths = cycle((0.6, 1.4))
        try:
            self._clock: int | None = time.pthread_getcpuclockid(thread)
        except AttributeError:
            # Not on this system.
            self._clock = None

    def rest(self, pause: int) -> None:
        """Wait for `pause` nanoseconds on average, on the watching thread."""
        length = round(pause * next(self._lengths))
        self._due = time.perf_counter_ns() + length
        time.sleep(length / 1e9)
        late = max(time.perf_counter_ns() - self._due, 0)
        self._late += late
        self._waits.append(late)

    def usage(self) -> Usage:
        """Return what has been used so far."""
        own = None if self._clock is None else time.clock_gettime_ns(self._clock)
        return Usage(time.perf_counter_ns(), own, time.process_time_ns(), self._late)

    def stands(self, usage: Usage) -> int:
        """Return for how long the thread has not worked at all; to be asked at each look."""
        if usage.own is None or usage.own != self._stands[0]:
            self._stands = usage.own, usage.at
        return usage.at - self._stands[1]

    def worked(self, before: Usage, after: Usage) -> int:
        """Return how much the thread has worked between two moments; 0 where nobody knows."""
        if before.own is None or after.own is None:
            return 0
        return after.own - before.own

    def is_starved(self, before: Usage, stood: int) -> bool:
        """Tell whether since then others worked and the thread could not.

        `stood` is for how long it did not work at all.
        """
        now = self.usage()
        if before.own is None or now.own is None:
            return False
        own, took = now.own - before.own, now.at - before.at
        # The watching thread may be waiting still.
        waiting = max(now.at - self._due, 0)
        late = now.late - before.late + waiting
        if stood > 4 * _TURN + max(*self._waits, waiting):
            return False
        others = now.all - before.all - own
        # Small shares: on a busy machine neither gets much.
        return own < self._limit and others > took / 10 and late > took / 6
