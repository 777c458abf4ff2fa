"""What the library needs of an event loop and of worker threads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from threading import Lock
from typing import Any, Protocol


class Handle(Protocol):
    """What has been started on a loop."""

    def cancel(self) -> object:
        """Cancel it, at its next suspension or the one it is in."""


class Threads(Protocol):
    """Worker threads of the library's own, apart from those of the app's `def` endpoints."""

    async def run(self, call: Call) -> Any:
        """Return what the call returned, or raise what it raised.

        Raises RuntimeError if no thread can be started and none is there: then the call is
        withdrawn.
        """

    def close(self) -> None:
        """Let idle threads end, and busy ones when they are done."""


class Loop(Protocol):
    """One running event loop."""

    cancelled: type[BaseException]
    """What a cancelled task is thrown."""

    def is_current(self) -> bool:
        """Tell whether this loop runs the code that asks."""

    def spawn(self, run: Callable[[], Awaitable[None]], context: Context, name: str) -> Handle:
        """Start `run` in `context` at the loop's next turn."""

    def call_soon(self, callback: Callable[..., object], /, *args: Any) -> object:
        """Call `callback` on the loop, from any thread, in the order of these calls.

        Raises RuntimeError if the loop has ended.
        """

    def hosting(self) -> AbstractAsyncContextManager[None]:
        """Keep what spawned tasks need for as long as this is open.

        What the block raises comes out as itself.
        """

    def threads(self, limit: int) -> Threads:
        """Return worker threads, at most so many at a time."""


class Call:
    """One call on its way through a worker thread.

    It is taken by a thread or withdrawn, never both: whichever comes first decides. What it needs
    belongs to it until then.
    """

    __slots__ = ("_lock", "_taken", "error", "function", "on_begin", "on_take", "result")

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


def no_thread(error: RuntimeError) -> RuntimeError:
    """Return what to raise where the system has no thread to give, and none is there."""
    return RuntimeError(
        f"no worker thread could be started ({error}), so the function was not called: "
        "let the process have more threads, or give add_tasks() a smaller `threads`"
    )
