"""What the library needs of an event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from contextvars import Context
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Handle(Protocol):
    """What has been started on a loop."""

    def cancel(self) -> object:
        """Cancel it, at its next suspension or the one it is in."""


class Loop(Protocol):
    """One running event loop."""

    def is_current(self) -> bool:
        """Tell whether this loop runs the code that asks."""

    def is_cancellation(self, error: BaseException, *, asked: bool) -> bool:
        """Tell whether this is what a cancelled task is thrown; `asked`: we cancelled it."""

    def spawn(
        self, run: Callable[[T], Awaitable[None]], job: T, context: Context, name: str
    ) -> Handle:
        """Start `run(job)` in `context` at the loop's next turn."""

    def enclosed(self, coroutine: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        """Return what does as the coroutine, and cannot hurt the loop by what that leaves open."""

    def going_on(self, cancelled: Handle) -> AbstractContextManager[Handle]:
        """Let what was cancelled go on in the block, as if it had not been.

        For what runs as this; what is given cancels the block.
        """

    def call_soon(self, callback: Callable[..., object], /, *args: Any) -> object:
        """Call `callback` on the loop, from any thread, in the order of these calls.

        Raises RuntimeError if the loop has ended.
        """

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Handle:
        """Call `callback` after so many seconds, unless that is cancelled; on its thread only."""

    def start_thread(
        self, work: Callable[[], None], name: str, failed: Callable[[RuntimeError], object]
    ) -> None:
        """Run `work` in a daemon thread; call `failed` if the system has none to give."""

    def hosting(self) -> AbstractAsyncContextManager[None]:
        """Keep what spawned tasks need for as long as this is open.

        What the block raises comes out as itself.
        """
