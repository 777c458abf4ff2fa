"""The library's log, which hurts nobody when it fails.

A filter of the app's may raise where no request is under way, and an error may refuse to be shown:
neither is a reason not to end what was about to be ended.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

_logger = logging.getLogger("fastapi_tasks")


class Log:
    """Logs as `fastapi_tasks`; what cannot be logged goes to stderr."""

    def warning(self, message: str, *args: object) -> None:
        """Log a warning."""
        self._say(logging.WARNING, message, args)

    def error(self, message: str, *args: object, exc_info: BaseException | None = None) -> None:
        """Log an error; `exc_info` is what was raised."""
        self._say(logging.ERROR, message, args, exc_info)

    def exception(self, message: str, *args: object) -> None:
        """Log an error, with what is being handled."""
        self._say(logging.ERROR, message, args, sys.exception())

    def _say(
        self,
        level: int,
        message: str,
        args: tuple[object, ...],
        error: BaseException | None = None,
    ) -> None:
        try:
            # Said to come from whoever has called.
            _logger.log(level, message, *args, exc_info=error, stacklevel=3)
        except Exception as failure:
            with suppress(Exception):
                why = type(failure).__name__
                print(f"{message % args} (logging this failed with {why})", file=sys.stderr)


log = Log()
