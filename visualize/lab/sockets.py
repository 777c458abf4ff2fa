"""A socket for a server, or a sentence that says why there is none."""

from __future__ import annotations

import errno
import socket

from .errors import LabError

LOOPBACK = "127.0.0.1"


def bind(port: int = 0, host: str = LOOPBACK) -> socket.socket:
    """Take a port, 0 for any free one, before a server starts, so that nobody can take it between.

    Raises LabError if the port or the host cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off; without, a response's last byte
    # can be 40 ms late.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        # A port that is bound but not listened to could be bound a second time.
        taken.listen()
    except (OSError, OverflowError) as error:
        taken.close()
        raise LabError(_explain(error, host, port)) from None
    return taken


def _explain(error: Exception, host: str, port: int) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"port {port} on {host} is taken by another program: "
            "give another port, or 0 for a free one"
        )
    if number in (errno.EACCES, errno.EPERM):
        return f"port {port} needs rights that this user does not have: give a port from 1024 on"
    if isinstance(error, OverflowError):
        return f"there is no port {port}: give a number from 0 to 65535"
    return f"cannot listen on {host} port {port} ({error}): give an address of this machine"


def address(taken: socket.socket) -> str:
    """Return the URL of a server on this socket, as this machine reaches it."""
    host, port = taken.getsockname()[:2]
    host = {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
