"""The last line of a terminal, kept apart from all that scrolls above it.

The terminal itself is told to scroll the lines above alone. So whoever writes there, be it the app,
its log, a worker process or a library in C, needs to know nothing of it, and no line is torn: each
text of ours is one write that leaves the cursor where it was.
"""

from __future__ import annotations

import os
import sys

from .cells import Pen, columns, fit
from .pens import pen_for

SAVE, RESTORE = "\0337", "\0338"
LEAST = 4
"""Lines; in a lower window everything is left to the app."""


class BottomLine:
    """Shows one text at a time, from `open()` to `close()`."""

    def __init__(self, terminal: int, pen: Pen) -> None:
        self._terminal = terminal
        self._pen = pen
        self._size = os.terminal_size((0, 0))
        self._shown = ""

    @classmethod
    def on_terminal(cls) -> BottomLine | None:
        """Return one for standard error, None where that is no terminal, or one that can little."""
        if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
            return None
        sys.stderr.flush()
        return cls(sys.stderr.fileno(), pen_for())

    @property
    def width(self) -> int:
        """Columns that a text may have."""
        return self._size.columns

    def open(self) -> None:
        """Take the last line. What stood there goes up by one."""
        self._size = os.get_terminal_size(self._terminal)
        if self._fits:
            self._write(f"\n\033[1A{SAVE}\033[1;{self._size.lines - 1}r{RESTORE}")

    def show(self, words: str) -> None:
        """Show a text in the place of the one before; in a window of another size, anew."""
        size = os.get_terminal_size(self._terminal)
        if size != self._size:
            self._write(f"{SAVE}\033[r{RESTORE}\033[J")
            self._shown = ""
            self.open()
        if words == self._shown or not self._fits:
            return
        self._shown = words
        cut = self._pen.own(fit(words, min(columns(words), self.width)))
        self._write(f"{SAVE}\033[{self._size.lines};1H\033[2K{cut}{RESTORE}")

    def close(self) -> None:
        """Give the last line back, empty."""
        if self._fits:
            self._write(f"{SAVE}\033[{self._size.lines};1H\033[2K\033[r{RESTORE}")

    @property
    def _fits(self) -> bool:
        return self._size.lines >= LEAST

    def _write(self, words: str) -> None:
        os.write(self._terminal, words.encode(errors="replace"))
