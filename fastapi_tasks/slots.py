"""How long a task may run, and how many at once."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import anyio


def check_timeout(seconds: object) -> None:
    """Raise TypeError or ValueError for what is neither None nor seconds above 0."""
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(
            f"timeout is an object of type {type(seconds).__name__}, so nobody could tell when the "
            "task is late: give seconds, as a number"
        )
    if not 0 < seconds < math.inf:
        raise ValueError(
            f"timeout is {seconds!r}, so the task would never run, or always: "
            "give seconds above 0, or None for no end"
        )


def check_limit(limit: object) -> None:
    """Raise TypeError or ValueError for what is no limit."""
    if limit is None or isinstance(limit, anyio.CapacityLimiter):
        return
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise TypeError(
            f"limit is an object of type {type(limit).__name__}, which has no slots to give: "
            "give a whole number, or an anyio.CapacityLimiter"
        )
    if limit < 1:
        raise ValueError(f"limit is {limit}, so no task could ever run: give at least 1")


class Limiters:
    """The limiters behind limits that are numbers: one for each function, and number."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, int], anyio.CapacityLimiter] = {}

    def of(
        self, func: Callable[..., Any], limit: int | anyio.CapacityLimiter
    ) -> anyio.CapacityLimiter:
        """Return what gives slots to the calls of this function."""
        if not isinstance(limit, int):
            return limit
        key = (_counted_as(func), limit)
        if key not in self._made:
            self._made[key] = anyio.CapacityLimiter(limit)
        return self._made[key]


def _counted_as(func: Any) -> object:
    """Return what all calls of a function share, however it is bound; it may be a dict's key."""
    while isinstance(func, functools.partial):
        func = func.func
    name = getattr(func, "__qualname__", None)
    # A proxy may answer every attribute with something of its own, made anew each time.
    if not isinstance(name, str):
        return type(func)
    # A function that is defined inside another is made anew with each call of that; the code of
    # decorated ones is that of their decorator, their name their own.
    func = getattr(func, "__func__", func)
    return getattr(func, "__module__", None), name, getattr(func, "__code__", None)
