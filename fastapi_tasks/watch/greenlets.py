"""What waits for a greenlet: its own stack ends with it, and says nothing of who began it.

SQLAlchemy runs all that its `async` side does in greenlets. The coroutine that waits for one is
neither suspended nor on the stack of the thread: so it is kept in sight here.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from threading import get_ident
from types import FrameType
from typing import Any

from .here import here
from .hook import replace

_USERS = tuple(f"sqlalchemy.ext.asyncio.{name}" for name in ("base", "engine", "result", "session"))

# By thread: the frames that wait there, the one that began last at the end.
_waiting: dict[int, dict[object, FrameType]] = {}


def install() -> None:
    """Keep in sight who waits for a greenlet of SQLAlchemy's, from now on; nothing without it."""
    for name in _USERS:
        module = sys.modules.get(name)
        if module is not None:
            replace(module, "greenlet_spawn", _in_sight)


def _in_sight(spawn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(spawn)
    async def greenlet_spawn(*args: Any, **kwargs: Any) -> Any:
        if here.get() is None:
            return await spawn(*args, **kwargs)
        waiting, key = _waiting.setdefault(get_ident(), {}), object()
        waiting[key] = sys._getframe()
        try:
            return await spawn(*args, **kwargs)
        finally:
            del waiting[key]

    return greenlet_spawn


def outside(thread: int) -> FrameType | None:
    """Return the frame that waits for the greenlet in which this thread is; None if in none."""
    for frame in reversed(list(_waiting.get(thread, {}).values())):
        # Those of other tasks are suspended: nothing is outside of them.
        if frame.f_back is not None:
            return frame
    return None
