"""A terminal for tests: what is seen after some output, and what has scrolled away above."""

from __future__ import annotations

import re

_PARTS = re.compile(r"\033\[([0-9;]*)([A-Za-z])|\033([78])|([\r\n])|([^\033\r\n]+)")


class Screen:
    """Understands what programs here write: lines, moving, erasing, and a region that scrolls."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self.rows = [""] * lines
        self.above: list[str] = []
        self.row = self.column = 0
        self._top, self._bottom = 0, lines - 1
        self._saved = (0, 0)

    def feed(self, output: str) -> None:
        """Show output. Raises ValueError for a sequence that it does not know."""
        at = 0
        while at < len(output):
            found = _PARTS.match(output, at)
            if found is None:
                raise ValueError(f"no terminal sequence: {output[at : at + 20]!r}")
            numbers, letter, cursor, line, words = found.groups()
            if letter:
                self._control(letter, [int(part or 0) for part in numbers.split(";")])
            elif cursor == "7":
                self._saved = (self.row, self.column)
            elif cursor == "8":
                self.row, self.column = self._saved
            elif line:
                self._end_line(line)
            else:
                self._write(words)
            at = found.end()

    @property
    def text(self) -> list[str]:
        """All lines that were ever written, without the empty ones at the end."""
        lines = [line.rstrip() for line in (*self.above, *self.rows)]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def _end_line(self, char: str) -> None:
        if char == "\r":
            self.column = 0
        elif self.row == self._bottom:
            self.above += [self.rows[self._top]] * (self._top == 0)
            self.rows[self._top : self._bottom + 1] = [
                *self.rows[self._top + 1 : self._bottom + 1], "",
            ]  # fmt: skip
        elif self.row < self.lines - 1:
            self.row += 1

    def _write(self, words: str) -> None:
        for char in words:
            if self.column == self.columns:
                self._end_line("\n")
                self.column = 0
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[: self.column] + char + row[self.column + 1 :]
            self.column += 1

    def _control(self, letter: str, numbers: list[int]) -> None:
        first, second = (*numbers, 0)[:2]
        match letter:
            case "A":
                self.row = max(self.row - max(first, 1), 0)
            case "H":
                self.row, self.column = max(first, 1) - 1, max(second, 1) - 1
            case "J":
                self.rows[self.row] = self.rows[self.row][: self.column]
                self.rows[self.row + 1 :] = [""] * (self.lines - self.row - 1)
            case "K":
                kept = "" if first == 2 else self.rows[self.row][: self.column]
                self.rows[self.row] = kept
            case "r":
                self._top, self._bottom = max(first, 1) - 1, (second or self.lines) - 1
                self.row = self.column = 0
            case "m":
                pass
            case _:
                raise ValueError(f"no sequence that is known: {numbers}{letter}")
