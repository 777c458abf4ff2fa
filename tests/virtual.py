"""Event loops whose clock jumps to the next timer instead of waiting."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any


class _JumpingSelector(selectors.DefaultSelector):
    """Adds the time that it was asked to wait to a clock, and does not wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        # With no timer due, only a worker thread can wake the loop, and that in real time.
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout is not None:
            self.now += max(timeout, 0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time, which starts at 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def jump(self, seconds: float) -> None:
        """Move the clock on, as if a step had taken so long."""
        self._jumping.now += seconds


def block(seconds: float) -> None:
    """Hold the running loop for so long, as `time.sleep` does on real time."""
    import trio
    from trio.testing import MockClock

    clock = trio.lowlevel.current_clock() if trio.lowlevel.in_trio_run() else None
    loop = clock or asyncio.get_running_loop()
    assert isinstance(loop, (MockClock, VirtualLoop))
    loop.jump(seconds)


def now() -> int:
    """Return the running loop's time in nanoseconds; 0 in a thread, where no loop runs."""
    import trio

    if trio.lowlevel.in_trio_run():
        return round(trio.current_time() * 1e9)
    try:
        return round(asyncio.get_running_loop().time() * 1e9)
    except RuntimeError:
        return 0
