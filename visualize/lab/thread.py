"""A uvicorn server in a thread of its own.

Not in the caller's event loop: there, work that holds the server's loop would hold the client up
as well, and the client's view of a request would be wrong just where it is most interesting.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import find_spec
from typing import Any

import uvicorn
from anyio import to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from visualize.live.stopping import SCOPE_KEY

from .errors import LabError, hanging, not_started
from .log import kept_log

REQUESTS_LIMIT = 10
STOP_LIMIT = 60.0
SERVER_RUNS = (
    'A real server runs the app, in a thread of its own. "Sent" means that the server gave the '
    "last byte to its socket."
)
KEEP_ALIVE = 3600


class ServerThread:
    """Serve an app on `taken`, from `start()` to `stop()`, in a thread of its own.

    `quiet` keeps what the server and the library log out of stderr, and in `log`.
    """

    how = SERVER_RUNS
    transport = None

    def __init__(self, app: ASGIApp, taken: socket.socket, *, quiet: bool = False) -> None:
        self.log: list[str] = []
        self._socket = taken
        self._quiet = quiet
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._hosted = Hosted(app, lambda: self._server)
        config = configure(self._hosted, timeout_keep_alive=KEEP_ALIVE)
        self._server = TellingServer(config, self._ready.set)
        self._thread = threading.Thread(target=self._run, name="lab server", daemon=True)

    def start(self) -> None:
        """Return when the server answers. Raises LabError if the app does not start."""
        self._thread.start()
        try:
            self._ready.wait()
        except BaseException:
            self.ask_to_stop()
            raise
        if not self._server.started:
            self._thread.join()
            if self._error is not None:
                raise LabError(f"the server did not start: {self._error}") from self._error
            raise not_started(self._hosted.error) from self._hosted.error

    def ask_to_stop(self) -> None:
        """Let the server end soon, without waiting for it."""
        self._server.should_exit = True

    def stop(self) -> None:
        """Return when open requests have ended and the app has shut down.

        Requests get 10 seconds, tasks what the app's limits give them. Raises LabError if the
        app's own shutdown hangs; its thread then ends with the process.
        """
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join(STOP_LIMIT)
        if self._thread.is_alive():
            raise hanging(STOP_LIMIT)

    async def start_beside(self) -> None:
        """Do as `start` does, while the caller's event loop goes on."""
        try:
            await to_thread.run_sync(self.start)
        except BaseException:
            self.ask_to_stop()
            raise

    async def stop_beside(self) -> None:
        """Do as `stop` does, while the caller's event loop goes on."""
        await to_thread.run_sync(self.stop)

    def _run(self) -> None:
        try:
            with kept_log(self.log) if self._quiet else nullcontext():
                asyncio.run(self._server.serve(sockets=[self._socket]))
        except SystemExit:
            pass  # how uvicorn says that the app did not start
        except BaseException as error:
            self._error = error
        finally:
            self._socket.close()
            self._ready.set()


def configure(app: ASGIApp, *, access_log: bool = False, **options: Any) -> uvicorn.Config:
    """Configure a uvicorn that leaves logging as it is, and does not wait for ever at its end."""
    # By default, old releases of uvicorn use a part of websockets that warns of its end.
    websockets = "websockets-sansio" if find_spec("websockets") else "auto"
    return uvicorn.Config(
        app, ws=websockets, log_config=None, access_log=access_log,
        timeout_graceful_shutdown=REQUESTS_LIMIT, **options,
    )  # fmt: skip


class TellingServer(uvicorn.Server):
    """Tells when it answers, and shuts its app down whenever that had started."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready
        self._shut_down = False

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        await super().serve(sockets)
        # Told to stop in the middle of its start, an old release leaves all as it is.
        if self.started and not self._shut_down:
            await self.shutdown(sockets)

    async def main_loop(self) -> None:
        """Tell, then wait to be told to stop."""
        self._ready()
        await super().main_loop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop answering, and let the app shut down."""
        self._shut_down = True
        await super().shutdown(sockets)


class Hosted:
    """Around the app: says in each scope which server runs it, keeps what a startup raised.

    uvicorn would tell too late for open streams that it stops, and only log the latter.
    """

    def __init__(self, app: ASGIApp, server: Callable[[], uvicorn.Server]) -> None:
        self.app = app
        self.error: BaseException | None = None
        self._server = server
        self._lifespan: asyncio.Task[object] | None = None
        self._given_up = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[SCOPE_KEY] = self._server
        if scope["type"] != "lifespan":
            return await self.app(scope, receive, send)

        async def quiet_send(message: Message) -> None:
            if self._given_up:
                message["message"] = ""
            await send(message)

        self._lifespan = asyncio.current_task()
        try:
            await self.app(scope, receive, quiet_send)
        except BaseException as error:
            self.error = error
            raise

    def give_up(self) -> None:
        """End the app's shutdown where it stands: tasks that still run are abandoned."""
        self._given_up = True
        if self._lifespan is not None:
            self._lifespan.cancel()
