"""Serve an app until a signal ends it."""

from __future__ import annotations

import asyncio
import copy
import logging
import logging.config
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import LOGGING_CONFIG

from visualize.lab.errors import not_started
from visualize.lab.log import SERVER, kept_log
from visualize.lab.thread import Hosted, TellingServer, configure
from visualize.terminal.pens import without_color

from .signals import ending

PATIENCE = 3.0
STILL_RUNNING = "Requests or tasks are still running; Ctrl-C again ends them."


def log_as_uvicorn() -> None:
    """Set up logging as uvicorn's own command does, before the app is imported and has its say.

    Where the environment asks for no colours, there are none.
    """
    settings = copy.deepcopy(LOGGING_CONFIG)
    if without_color():
        for formatter in settings["formatters"].values():
            formatter["use_colors"] = False
    logging.config.dictConfig(settings)


def serve_until_signal(
    app: ASGIApp, taken: socket.socket, started: Callable[[], object], *, quiet: bool = False
) -> int:
    """Serve on this thread until a signal ends it; call `started` when the server answers.

    The event loop is the one that uvicorn chooses. `quiet` keeps its log to itself, requests
    included. Open requests get 10 seconds, tasks what the app's limits give them; a second Ctrl-C
    ends both at once. Returns the exit code: 0, or what a `sys.exit()` in a task of the app's has
    asked for, which ends any server. Raises LabError if the app does not start, and what `started`
    raises, if it cannot say so: then the server ends as at Ctrl-C.
    """
    hosted = Hosted(app, lambda: server)
    unsaid: list[OSError] = []

    def tell() -> None:
        try:
            started()
        except OSError as error:
            unsaid.append(error)
            server.should_exit = True

    with kept_log([]) if quiet else nullcontext(), _brief_at_end() as be_brief:
        config = configure(hosted, access_log=not quiet)
        server = ForegroundServer(config, tell, be_brief, hosted.give_up)
        # uvicorn raises the signal that ended it once more: it must not end the process as well.
        # Nor must one that uvicorn leaves alone: what has been recorded is to be written.
        for number in ending():
            signal.signal(number, lambda *_: setattr(server, "should_exit", True))
        code = _run(server, taken)
    if not server.started:
        raise not_started(hosted.error)
    if unsaid:
        raise unsaid[0]
    return code


def _run(server: uvicorn.Server, taken: socket.socket) -> int:
    try:
        _run_on_its_loop(server, taken)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 0


def _run_on_its_loop(server: uvicorn.Server, taken: socket.socket) -> None:
    config = server.config
    if hasattr(config, "get_loop_factory"):
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve(sockets=[taken]))
    else:
        # Before release 0.36.
        config.setup_event_loop()
        asyncio.run(server.serve(sockets=[taken]))


class ForegroundServer(TellingServer):
    """Says what it waits for when it ends, and stops waiting at a second Ctrl-C."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], object],
        ending: Callable[[], object],
        give_up: Callable[[], object],
    ) -> None:
        super().__init__(config, ready)
        self._ending = ending
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
        self._ending()
        self._loop.call_later(PATIENCE, _say, STILL_RUNNING)


@contextmanager
def _brief_at_end() -> Iterator[Callable[[], object]]:
    """Give what lets the server's log do without tracebacks from then on.

    They would be of requests that are cut off, and say where those stood.
    """
    logger = logging.getLogger(SERVER)
    try:
        yield lambda: logger.addFilter(_without_traceback)
    finally:
        logger.removeFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        words = f"{record.getMessage().strip()}: {type(error).__name__}: {error}"
        record.msg, record.args, record.exc_info = words.removesuffix(": "), (), None
    return True


def _say(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)
