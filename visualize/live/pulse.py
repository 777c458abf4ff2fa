"""What readers are told beside the requests: counters each second, findings when they changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .counting import Numbers
from .wire import event

SECOND = 1.0


class Pulse:
    """Both as events, written once for all readers of a process, while somebody asks.

    `findings` returns something that differs when there are others, and what makes them.
    """

    def __init__(
        self,
        counters: Callable[[], Numbers],
        findings: Callable[[], tuple[object, Callable[[], dict[str, Any]]]],
    ) -> None:
        self._counters = counters
        self._findings = findings
        self._counted_at = 0.0
        self._counted = b""
        self._state: object = None
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
        """Return the latest findings and their number, which grows when they change."""
        state, make = self._findings()
        if state != self._state:
            self._state = state
            found = event("findings", make())
            if found != self._found:
                self._found = found
                self._number += 1
        return self._number, self._found
