"""Serve an app until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from visualize.lab.errors import not_started
from visualize.lab.log import SERVER, kept_log
from visualize.lab.thread import Hosted, TellingServer, configure

PATIENCE = 3.0
STILL_RUNNING = "Requests or tasks are still running; Ctrl-C again ends them."
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve_until_signal(app: ASGIApp, taken: socket.socket, started: Callable[[], object]) -> None:
    """Serve on this thread until Ctrl-C or SIGTERM; call `started` when the server answers.

    Open requests get 10 seconds, tasks what the app's limits give them; a second Ctrl-C ends both
    at once. Raises LabError if the app does not start.
    """
    hosted = Hosted(app, lambda: server.should_exit)
    with ExitStack() as quiet:
        # What a startup raises is told in one line, not logged.
        quiet.enter_context(kept_log([]))

        def ready() -> None:
            quiet.close()
            started()

        server = ForegroundServer(configure(hosted), ready, quiet, hosted.give_up)
        # uvicorn raises the signal that ended it once more: it must not end the process as well.
        for number in SIGNALS:
            signal.signal(number, lambda *_: setattr(server, "should_exit", True))
        with suppress(SystemExit):
            asyncio.run(server.serve(sockets=[taken]))
    if not server.started:
        raise not_started(hosted.error)


class ForegroundServer(TellingServer):
    """Says what it waits for when it ends, and stops waiting at a second Ctrl-C."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], object],
        quiet: ExitStack,
        give_up: Callable[[], object],
    ) -> None:
        super().__init__(config, ready)
        self._quiet = quiet
        self._give_up = give_up

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end, or end at once."""
        again = self.should_exit
        super().handle_exit(sig, frame)
        self._loop.call_soon_threadsafe(self._give_up if again else self._end)

    def _end(self) -> None:
        # Of requests that are cut off a line each is enough, at the end.
        lines: list[str] = []
        self._quiet.callback(lambda: _say(*lines))
        self._quiet.enter_context(kept_log(lines, [SERVER]))
        self._loop.call_later(PATIENCE, _say, STILL_RUNNING)


def _say(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)
