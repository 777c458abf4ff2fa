"""What Python cannot do in a browser, said in one plain line, and what it would do otherwise."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any, NoReturn

from .errors import LabError

IN_BROWSER = sys.platform == "emscripten"


class NotInBrowser(LabError):
    """Raised for what a browser cannot do. A notebook shows its one line, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def adapt() -> None:
    """Make this Python, in a browser, behave as others do where it can, and say where it cannot.

    There `time.sleep` lets others run meanwhile, in place of holding the loop.
    """
    time.sleep = getattr(time.sleep, "__wrapped__", time.sleep)
    threading.Thread.start = _refuse  # type: ignore[method-assign]


def _refuse(thread: threading.Thread, *_: Any) -> NoReturn:
    raise NotInBrowser(
        f"{thread.name} is a thread, and Python has none in a browser: run this notebook on your "
        "machine, with `make lab`"
    )
