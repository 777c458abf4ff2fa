"""Keep what a server logs out of stderr, for whoever wants to show it in another place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

TASKS, SERVER = "fastapi_tasks", "uvicorn.error"


class Keeper(logging.Handler):
    """Append the messages of one thread to `lines`, without tracebacks."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, which ends in what was raised."""
        if record.thread != self._thread:
            return
        line = record.getMessage().strip()
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line += f": {type(error).__name__}: {error}".removesuffix(": ")
        self._lines.append(line)


@contextmanager
def kept_log(lines: list[str], loggers: Iterable[str] = (TASKS, SERVER)) -> Iterator[None]:
    """Append to `lines` what the library and its server, or one of them, log in this thread."""
    # A logger that has a handler no longer falls back on stderr; nothing else changes.
    keeper = Keeper(lines)
    for name in loggers:
        logging.getLogger(name).addHandler(keeper)
    try:
        yield
    finally:
        for name in loggers:
            logging.getLogger(name).removeHandler(keeper)
