"""Run a coroutine step by step, and watch how long each step holds the event loop.

A step is what runs between two suspensions, so nothing else can run meanwhile.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol

OVER: Any = object()
"""What `next(steps, OVER)` returns when the last step is done: an exception would cost more."""


class Owner(Protocol):
    """Whose steps are watched."""

    @property
    def dropped(self) -> bool:
        """Whether the coroutine is not to be resumed any more."""

    def held_loop(self, begun: int, ended: int) -> None:
        """Take note that one step held the event loop from `begun` to `ended`, in nanoseconds."""


class Dropped(BaseException):
    """Raised in place of the next step of a coroutine that is not to be resumed."""


async def watched(
    coroutine: Coroutine[Any, Any, object], owner: Owner, clock: Callable[[], int], limit: float
) -> None:
    """Await `coroutine`, and tell `owner` of every step longer than `limit` nanoseconds."""
    steps: Any = coroutine.__await__()
    begun = clock()
    try:
        awaited = next(steps, OVER)
    finally:
        ended = clock()
        if ended - begun > limit:
            owner.held_loop(begun, ended)
    if awaited is not OVER:
        await rest(steps, awaited, owner, clock, limit)


@types.coroutine
def rest(
    steps: Any, awaited: Any, owner: Owner, clock: Callable[[], int], limit: float
) -> Generator[Any, Any, None]:
    """Await the steps that follow one which suspended with `awaited`, and watch each.

    A dropped coroutine is left where it stands, even one that refuses to be cancelled.
    """
    try:
        while awaited is not OVER:
            value, error = None, None
            try:
                value = yield awaited
            except GeneratorExit:
                if not owner.dropped:
                    steps.close()
                raise
            except BaseException as thrown:
                error = thrown
            if owner.dropped:
                _leave_suspended(steps)
                raise Dropped
            begun = clock()
            try:
                awaited = _resume(steps, value, error)
            finally:
                error = None  # what was raised would hold this frame, which holds it
                ended = clock()
                if ended - begun > limit:
                    owner.held_loop(begun, ended)
    except StopIteration:
        return


def _resume(steps: Any, value: Any, error: BaseException | None) -> Any:
    if error is not None:
        return steps.throw(error)
    return next(steps, OVER) if value is None else steps.send(value)


def _leave_suspended(steps: Any) -> None:
    # Garbage, its coroutine would be closed: one that refuses to end would go on for another step,
    # in the middle of whatever runs at that moment, or at the interpreter's exit without a loop.
    # So it gets a reference that is never given back.
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(steps))
