"""What ends a command, in one line."""

from __future__ import annotations

FAILURE = 1
USAGE = 2


class CommandError(Exception):
    """Ends a command. The message is one line that says what to do; `code` is the exit code."""

    def __init__(self, message: str, code: int = FAILURE) -> None:
        super().__init__(message)
        self.code = code
