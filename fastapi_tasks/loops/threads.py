"""Worker threads of the library's own, apart from those of the app's `def` endpoints."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any

import anyio

from .face import Loop

IDLE_SECONDS = 10.0


class Call:
    """One call on its way through a worker thread.

    It is taken by a thread or withdrawn, never both: whichever comes first decides. What it needs
    belongs to it until then.
    """

    __slots__ = (
        "_lock",
        "_taken",
        "error",
        "finished",
        "function",
        "on_begin",
        "on_take",
        "result",
    )

    def __init__(
        self,
        function: Callable[[], Any],
        on_take: Callable[[], object] = lambda: None,
        on_begin: Callable[[], object] = lambda: None,
    ) -> None:
        self.function: Callable[[], Any] | None = function
        # Called at once when a thread has taken the call, in the order in which calls are taken.
        # It must be quick: other threads wait meanwhile.
        self.on_take = on_take
        # Called then, before the function, with nobody waiting.
        self.on_begin = on_begin
        self.finished = anyio.Event()
        self._lock = Lock()
        self._taken = False
        self.result: Any = None
        self.error: BaseException | None = None

    def withdraw(self) -> bool:
        """Make sure that the function is never called; False if a thread has taken it."""
        with self._lock:
            if not self._taken:
                self.function = None
            return not self._taken

    def take(self) -> bool:
        """Claim the call for this thread; False if it was withdrawn."""
        with self._lock:
            self._taken = self.function is not None
            if self._taken:
                # Within the lock: to whoever fails to withdraw the call, all of this is done.
                self.on_take()
            return self._taken

    def run(self) -> None:
        """Call the function, once it is taken; keep what it returns or raises."""
        function, self.function = self.function, None
        assert function is not None
        try:
            self.on_begin()
            self.result = function()
        except BaseException as error:
            self.error = error

    def outcome(self) -> Any:
        """Return what the function returned, or raise what it raised."""
        # It holds, by its traceback, those who hold this.
        error, self.error = self.error, None
        if error is None:
            return self.result
        try:
            raise error
        finally:
            del error, self


class Threads:
    """Daemon threads, started when needed and ended when idle, at most `limit` at a time."""

    def __init__(self, limit: int, loop: Loop) -> None:
        self._limit = limit
        self._loop = loop
        self._waiting: deque[Call] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._closed = False

    async def run(self, call: Call) -> Any:
        """Return what the call returned, or raise what it raised.

        Cancelled before a thread has taken the call, it is never called; from then on nothing
        cancels it. Raises RuntimeError if no thread can be started and none is there.
        """
        self._submit(call)
        cancelled = anyio.get_cancelled_exc_class()
        try:
            await call.finished.wait()
        except cancelled:
            if call.withdraw():
                raise
            while not call.finished.is_set():
                with anyio.CancelScope(shield=True), suppress(cancelled):
                    await call.finished.wait()
        return call.outcome()

    def close(self) -> None:
        """Let idle threads end, and busy ones when they are done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _submit(self, call: Call) -> None:
        with self._changed:
            self._waiting.append(call)
            if self._idle >= len(self._waiting):
                self._changed.notify()
                return
            if self._threads == self._limit:
                return
            self._threads += 1
            name = f"fastapi_tasks worker {self._threads}"
        self._loop.start_thread(self._work, name, self._without_thread)

    def _without_thread(self, reason: RuntimeError) -> None:
        """Go on with the threads that are there; without any, nobody would come to what waits."""
        with self._changed:
            self._threads -= 1
            refused = [] if self._threads else [one for one in self._waiting if one.withdraw()]
            if not self._threads:
                self._waiting.clear()
        for call in refused:
            call.error = RuntimeError(
                f"no worker thread could be started ({reason}), so the function was not called: "
                "let the process have more threads, or give add_tasks() a smaller `threads`"
            )
            call.finished.set()

    def _take(self) -> Call | None:
        with self._changed:
            while True:
                while self._waiting:
                    call = self._waiting.popleft()
                    # Here, so that calls are taken in the order in which they came.
                    if call.take():
                        return call
                self._idle += 1
                woken = not self._closed and self._changed.wait(IDLE_SECONDS)
                self._idle -= 1
                if not woken and not self._waiting:
                    self._threads -= 1
                    return None

    def _work(self) -> None:
        while (call := self._take()) is not None:
            call.run()
            # The loop may have closed: then the task was abandoned, and nobody waits any more.
            with suppress(RuntimeError):
                self._loop.call_soon(call.finished.set)
            del call
