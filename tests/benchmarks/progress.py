"""What is being measured now, on a terminal."""

from __future__ import annotations

import sys
import time


class Progress:
    """Keep one line on stderr up to date; print plain lines where that is no terminal."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._began = time.monotonic()

    def step(self, what: str) -> None:
        """Say what is measured next."""
        seconds = time.monotonic() - self._began
        line = f"{self._subject}: {what} ({seconds:.0f} s)"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def done(self) -> None:
        """Take the line away again."""
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
