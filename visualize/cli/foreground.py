"""Serve an app until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack

import uvicorn
from starlette.types import ASGIApp

from visualize.lab.errors import not_started
from visualize.lab.log import kept_log
from visualize.lab.thread import Hosted, TellingServer

REQUESTS_LIMIT = 10


def serve_until_signal(app: ASGIApp, taken: socket.socket, started: Callable[[], object]) -> None:
    """Serve on this thread until Ctrl-C or SIGTERM; call `started` when the server answers.

    Open requests get 10 seconds, a second Ctrl-C ends them at once. Raises LabError if the app
    does not start.
    """
    hosted = Hosted(app, lambda: server.should_exit)
    config = uvicorn.Config(
        hosted, log_config=None, access_log=False, timeout_graceful_shutdown=REQUESTS_LIMIT
    )
    with ExitStack() as starting:
        # What a startup raises is told in one line, not logged.
        starting.enter_context(kept_log([]))

        def ready() -> None:
            starting.close()
            started()

        server = TellingServer(config, ready)
        # uvicorn raises the signal that ended it once more: it must not end the process as well.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: setattr(server, "should_exit", True))
        try:
            asyncio.run(server.serve(sockets=[taken]))
        except SystemExit:
            raise not_started(hosted.error) from None
