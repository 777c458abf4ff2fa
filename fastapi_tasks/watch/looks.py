"""What the looks at one hold of the event loop have shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from .share import Usage
from .stacks import Sight, Stack

Moment = tuple[int | None, int, int]
"""Which step is under way, when the last one ended, when the loop last answered."""


class Looks:
    """The looks at one hold, and for how many nanoseconds each thing was seen.

    A look stands for all the time since the one before: while C code keeps the interpreter lock,
    none is possible. `around` is what had been used around its begin.
    """

    def __init__(
        self,
        moment: Moment,
        since: int,
        around: tuple[Usage, Usage],
        read: Callable[[Stack], Sight],
    ) -> None:
        self.moment = moment
        self.since = self._last = since
        self.around = around
        self._read = read
        self._fresh: tuple[Stack, list[Stack], int] | None = None
        self._lines: Counter[str | None] = Counter()
        self._roots: Counter[str] = Counter()
        self._others: Counter[Sight] = Counter()

    def add(self, stack: Stack, others: list[Stack], now: int) -> None:
        """Take what a look has shown now; it is read later, at the next one at the latest.

        `others` are the stacks of other threads that may have kept this one from its work.
        """
        self.settle()
        self._fresh = (stack, others, now - self._last)
        self._last = now

    def settle(self) -> None:
        """Read what was taken last."""
        if self._fresh is None:
            return
        stack, others, time = self._fresh
        sight = self._read(stack)
        # While the loop waits, nothing holds it.
        if sight.root is not None:
            self._lines[sight.line] += time
            self._roots[sight.root] += time
        for other in map(self._read, others):
            # One without a line is at rest, or a library's own.
            if other.line is not None:
                self._others[other] += time
                break
        # At the end: the loop's own thread may come between, and must find it here or there.
        self._fresh = None

    @property
    def line(self) -> str | None:
        """The line that took most of the time."""
        self.settle()
        return self._lines.most_common(1)[0][0] if self._lines else None

    @property
    def root(self) -> str | None:
        """The name of what the loop had called; None if it was never seen at anything."""
        self.settle()
        return self._roots.most_common(1)[0][0] if self._roots else None

    @property
    def other(self) -> Sight | None:
        """What another thread was at for most of the time; None if none was seen at work."""
        self.settle()
        return self._others.most_common(1)[0][0] if self._others else None
