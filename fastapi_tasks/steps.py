"""Run a coroutine step by step, and watch how long each step holds the event loop.

A step is what runs between two suspensions, so nothing else can run meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Protocol


class Owner(Protocol):
    """Whose steps are watched."""

    @property
    def dropped(self) -> bool:
        """Whether the coroutine is not to be resumed any more."""

    def held_loop(self, begun: int, ended: int) -> None:
        """Take note that one step held the event loop from `begun` to `ended`, in nanoseconds."""


class Dropped(BaseException):
    """Raised in place of the next step of a coroutine that is not to be resumed."""


class Steps:
    """Awaits a coroutine, and tells its owner of every step longer than `limit` nanoseconds.

    It stands for the coroutine itself to whoever walks the chain of awaits (debuggers, samplers,
    asyncio's and trio's own stacks), so that the library hides nothing. A dropped coroutine is left
    where it stands, even one that refuses to be cancelled.
    """

    __slots__ = ("_clock", "_coroutine", "_limit", "_owner")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        owner: Owner,
        clock: Callable[[], int],
        limit: float,
    ) -> None:
        self._coroutine = coroutine
        self._owner = owner
        self._clock = clock
        self._limit = limit

    def __await__(self) -> Generator[Any, Any, Any]:
        # It has all that the interpreter asks of one.
        return self  # type: ignore[return-value]

    def __iter__(self) -> Steps:
        return self

    def __next__(self) -> Any:
        # As send(None), written out: nearly all steps of asyncio come through here.
        if self._owner.dropped:
            self._leave()
        clock = self._clock
        begun = clock()
        try:
            return self._coroutine.send(None)
        finally:
            ended = clock()
            if ended - begun > self._limit:
                self._owner.held_loop(begun, ended)

    def send(self, value: Any) -> Any:
        """Resume the coroutine for one step."""
        try:
            return self._step(self._coroutine.send, value)
        finally:
            # It may hold an error, whose traceback holds this frame: together they would wait for
            # the garbage collector.
            del value

    def throw(
        self,
        error: Any,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> Any:
        """Resume the coroutine for one step, with an exception."""
        if value is not None:
            error = value
        if traceback is not None:
            error = error.with_traceback(traceback)
        try:
            return self._step(self._coroutine.throw, error)
        finally:
            del error, value  # as in send()

    def close(self) -> None:
        """Close the coroutine, but not a dropped one, which would go on for another step."""
        if not self._owner.dropped:
            self._coroutine.close()

    def _step(self, resume: Callable[[Any], Any], value: Any) -> Any:
        if self._owner.dropped:
            self._leave()
        begun = self._clock()
        try:
            return resume(value)
        finally:
            del value  # as in send()
            ended = self._clock()
            if ended - begun > self._limit:
                self._owner.held_loop(begun, ended)

    def _leave(self) -> None:
        # Garbage, its coroutine would be closed: one that refuses to end would go on for another
        # step, in the middle of whatever runs at that moment, or at the interpreter's exit without
        # a loop. So it gets a reference that is never given back.
        import ctypes  # elsewhere nobody needs it

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._coroutine))
        raise Dropped

    def __getattr__(self, name: str) -> Any:
        # Its name, its frame, its code, what it awaits.
        return getattr(self._coroutine, name)
