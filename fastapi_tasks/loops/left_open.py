"""What a task on trio has entered and never left: nurseries (AnyIO's task groups), cancel scopes.

Trio ends its whole run when one of our tasks ends inside of a nursery of its own. So what is left
open is closed here before the task ends, and the failure stays with the task.
"""

from __future__ import annotations

import math
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import trio

from ..errors import LeftOpenError

T = TypeVar("T")

MOMENT = 0.005
"""How often it is looked whether the tasks of a nursery have ended, in seconds."""

NURSERY = (
    "the task has ended inside of a nursery (AnyIO's task group) that it had entered, which would "
    "have ended the whole app: it was closed, and whatever ran in it cancelled. Enter it by "
    "`async with`; iterate over a generator that enters one inside of `contextlib.aclosing`"
)
SCOPE = (
    "the task has ended inside of a cancel scope or a timeout that it had entered: it was closed. "
    "Enter it by `with`; iterate over a generator that enters one inside of `contextlib.aclosing`"
)


async def enclosed(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine, and close what it leaves open.

    Raises LeftOpenError if it did so; what the coroutine itself raised gets a note instead.
    """
    scope = trio.CancelScope()
    scope.__enter__()
    try:
        result = await coroutine
    except BaseException as error:
        left = await _leave(scope)
        if left is None:
            raise
        if isinstance(error, trio.Cancelled) and trio.current_effective_deadline() > -math.inf:
            # By what it has left open, and by nobody else.
            raise left  # noqa: B904 - its cause is what failed in there
        BaseException.add_note(error, str(left))
        raise
    left = await _leave(scope)
    if left is not None:
        raise left
    return result


async def _leave(scope: trio.CancelScope) -> LeftOpenError | None:
    """Leave the scope around a coroutine, and all in it; return what is to be said of those."""
    nurseries = trio.lowlevel.current_task().child_nurseries
    failed = await close_nurseries()
    try:
        scope.__exit__(None, None, None)
    except RuntimeError:
        left = LeftOpenError(NURSERY if nurseries else SCOPE)
        if failed is not None:
            left.__cause__ = failed
        return left
    return None


async def close_nurseries() -> BaseException | None:
    """Cancel what runs in the nurseries that this task has left open, and wait for its end.

    Return what it raised. The nurseries' scopes are left to the scope around them.
    """
    raised: BaseException | None = None
    for nursery in reversed(trio.lowlevel.current_task().child_nurseries):
        nursery.cancel_scope.cancel()
        # Publicly only its manager leaves a nursery, and that is known to nobody but the task. So
        # it is closed as trio does when a task ends: a generator that entered it, and is ended by
        # trio meanwhile, in another task, would otherwise wait for ever.
        nursery._closed = True
        with trio.CancelScope(shield=True):
            while nursery.child_tasks:  # noqa: ASYNC110 - nothing that is public tells of their end
                await trio.sleep(MOMENT)
        with suppress(IndexError, AssertionError):
            # Not if such a generator has taken it away.
            raised = await nursery._nested_child_finished(raised)
    return raised
