"""What readers are told beside the requests: counters each second, findings when they changed."""

from __future__ import annotations

import time
from collections.abc import Callable

from fastapi_tasks import Recorder

from .answering import Answering
from .counting import Numbers
from .wire import event

SECOND = 1.0


class Pulse:
    """Both as events, written once for all readers of a process, while somebody asks."""

    def __init__(self, recorder: Recorder, counters: Callable[[], Numbers]) -> None:
        self._counters = counters
        self._answering = Answering(recorder)
        self._counted_at = 0.0
        self._counted = b""
        self._number = 0
        self._found = b""

    def counted(self) -> bytes:
        """Return the counters, which are at most a second old."""
        now = time.monotonic()
        if now - self._counted_at >= 0.8 * SECOND:
            self._counted_at = now
            self._counted = event("counters", self._counters())
        return self._counted

    def found(self) -> tuple[int, bytes]:
        """Return the latest findings and their number, which grows when they change; 0 is none."""
        number = self._answering.ask()
        if number != self._number:
            self._number = number
            self._found = event("findings", self._answering.found)
        return number, self._found
