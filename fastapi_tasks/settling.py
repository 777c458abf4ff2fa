"""Who waits for what is open to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event as ThreadEvent

import anyio

from .loops import current_loop

Ready = Callable[[], bool]


class Settling:
    """Wakes those who wait whenever something has ended.

    Whoever ends something looks at `waiters` first: mostly there are none, and a call would cost
    more than the look.
    """

    __slots__ = ("waiters",)

    def __init__(self) -> None:
        self.waiters: list[tuple[Ready, Callable[[], object]]] = []

    def something_ended(self) -> None:
        """Wake those for whom that was the last; from any thread."""
        for ready, wake in list(self.waiters):
            if ready():
                wake()

    async def until(self, ready: Ready) -> None:
        """Return when `ready` is true, looking whenever something has ended."""
        loop = current_loop()
        changed = anyio.Event()

        def wake() -> None:
            # The waiter's loop may have closed under it; whatever has ended here goes on.
            with suppress(RuntimeError):
                loop.call_soon(changed.set)

        with self._waking(ready, wake):
            while not ready():
                await changed.wait()
                # By now something new may have begun.
                changed = anyio.Event()

    def wait_until(self, ready: Ready, timeout: float | None) -> bool:
        """Do as `until` in a thread that runs no loop; False if `timeout` seconds passed first."""
        changed = ThreadEvent()
        with self._waking(ready, changed.set):
            return ready() or changed.wait(timeout)

    @contextmanager
    def _waking(self, ready: Ready, wake: Callable[[], object]) -> Iterator[None]:
        waiter = (ready, wake)
        self.waiters.append(waiter)
        try:
            yield
        finally:
            self.waiters.remove(waiter)
