"""Run a coroutine step by step, and watch how long each step holds the event loop."""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Owner(Protocol):
    """Whose steps are watched."""

    @property
    def dropped(self) -> bool:
        """Whether the coroutine is not to be resumed any more."""

    def held_loop(self, begun: int, ended: int) -> None:
        """Take note that one step held the event loop from `begun` to `ended`, in nanoseconds."""


class Dropped(BaseException):
    """Raised in place of the next step of a coroutine that is not to be resumed."""


@types.coroutine
def watched(
    coroutine: Coroutine[Any, Any, T],
    owner: Owner,
    clock: Callable[[], int],
    limit: float,
    over: Callable[[], object] | None = None,
) -> Generator[Any, Any, T]:
    """Await `coroutine`, and tell `owner` of every step longer than `limit` nanoseconds.

    A step is what runs between two suspensions, so nothing else can run meanwhile. A dropped
    coroutine is left where it stands, even one that refuses to be cancelled. `over` is called at
    the end, while what was raised is still being handled.
    """
    resume: Callable[[Any], Any] = coroutine.send
    value: Any = None
    try:
        while True:
            begun = clock()
            try:
                awaited = resume(value)
            finally:
                ended = clock()
                if ended - begun > limit:
                    owner.held_loop(begun, ended)
            try:
                value = yield awaited
                resume = coroutine.send
            except GeneratorExit:
                if not owner.dropped:
                    coroutine.close()
                raise
            except BaseException as error:
                resume, value = coroutine.throw, error
            if owner.dropped:
                _leave_suspended(coroutine)
                raise Dropped
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        if over is not None:
            over()


def _leave_suspended(coroutine: Coroutine[Any, Any, Any]) -> None:
    # Garbage, it would be closed: one that refuses to end would go on for another step, in the
    # middle of whatever runs at that moment, or at the interpreter's exit without a loop. So it
    # gets a reference that is never given back.
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(coroutine))
