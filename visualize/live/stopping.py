"""Learn early that the server stops.

A server waits for open responses before it tells the app that it stops, so a stream that waits to
be told would hold it up for ever.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

from starlette.types import Scope

SCOPE_KEY = "visualize.stopping"


def stopping(scope: Scope) -> bool:
    """Tell whether the server that runs this request was told to stop.

    A server of this package says so in the scope. uvicorn's own command has its server behind the
    signal handlers, where one can look. With others the answer is no.
    """
    told: Callable[[], bool] | None = scope.get(SCOPE_KEY)
    if told is not None:
        return told()
    server = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
    return getattr(server, "should_exit", False) is True
