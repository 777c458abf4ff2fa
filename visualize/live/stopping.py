"""Learn early that the server stops, and cut off a reader that would hold it up.

A server waits for open responses before it tells the app that it stops, so a stream that waits to
be told would hold it up for ever; and so would a connection whose other end reads nothing.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from typing import Any

from starlette.types import Scope

SCOPE_KEY = "visualize.server"


def server_of(scope: Scope) -> Any:
    """Return the uvicorn server that runs this request, None where it cannot be found.

    A server of this package says so in the scope. uvicorn's own command has its server behind the
    signal handlers, where one can look.
    """
    found: Callable[[], Any] | None = scope.get(SCOPE_KEY)
    return signalled() if found is None else found()


def signalled() -> Any:
    """Return the server that this process's signals stop, None where there is none."""
    server = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
    return server if hasattr(server, "should_exit") else None


def stopping(scope: Scope) -> bool:
    """Tell whether the server that runs this request was told to stop; of others, no."""
    return getattr(server_of(scope), "should_exit", False) is True


def cut_off(scope: Scope) -> None:
    """End the connection of this request now, whatever is still to be sent.

    Closing it would wait until the other end has read all. With servers other than uvicorn nothing
    happens.
    """
    state = getattr(server_of(scope), "server_state", None)
    connections: Iterable[Any] = getattr(state, "connections", ())
    for connection in list(connections):
        if _carries(connection, scope):
            connection.transport.abort()


def _carries(connection: Any, scope: Scope) -> bool:
    carried = getattr(connection, "scope", None) or {}
    same = scope.get("client") is not None and carried.get("client") == scope["client"]
    return carried is scope or (same and carried.get("path") == scope["path"])
