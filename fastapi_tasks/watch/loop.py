"""Looking at an event loop from outside; what that takes is imported with the first look."""

from __future__ import annotations

from ..keeper import Keeper
from ..loops import Loop
from ..steps import Beat


def begin_watch(keeper: Keeper, loop: Loop) -> Beat:
    """Look at this thread's loop from another; return what is to be told of its steps."""
    from . import line

    return line.begin_watch(keeper, loop)


def end_watch(keeper: Keeper) -> None:
    """Look no more at this thread's loop, if nobody else asks for it."""
    from . import line

    line.end_watch(keeper)
