"""What makes a thread of ours one that AnyIO knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio.from_thread
from anyio.lowlevel import EventLoopToken


def known_to_anyio(work: Callable[[], None], token: EventLoopToken) -> Callable[[], None]:
    """Return `work` such that `anyio.from_thread` finds the event loop from its thread.

    There is no public way to say so for a thread that AnyIO did not start.
    """

    def known() -> None:
        local: Any = anyio.from_thread.threadlocals  # type: ignore[attr-defined]
        local.current_token = token
        try:
            work()
        finally:
            del local.current_token

    return known
