"""What makes a thread of ours one that AnyIO knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio.from_thread
from anyio.lowlevel import EventLoopToken


@contextmanager
def anyio_worker(token: EventLoopToken) -> Iterator[None]:
    """Let `anyio.from_thread` find the event loop from this thread, as in AnyIO's own workers.

    There is no public way to say so for a thread that AnyIO did not start.
    """
    local: Any = anyio.from_thread.threadlocals  # type: ignore[attr-defined]
    local.current_token = token
    try:
        yield
    finally:
        del local.current_token
