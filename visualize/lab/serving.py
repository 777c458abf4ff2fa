"""Serve an app for as long as a block, or until it is stopped by hand."""

from __future__ import annotations

from anyio import to_thread
from starlette.types import ASGIApp

from .bench import Lab, SyncLab
from .recorded import recorded
from .sockets import address, bind
from .thread import ServerThread
from .visits import Joining, Visits


def serve(app: ASGIApp, *, port: int = 0, quiet: bool = False, watch: bool = False) -> Serving:
    """Run an app on a real server on the loopback interface: `async with`, or `with` in a script.

    The server has a thread of its own, so that the client's view is true even while the app holds
    its event loop. `port` 0 takes a free one. `quiet` keeps the server's and the tasks' log out of
    stderr, and in `lab.log`. An app without `add_tasks` is recorded all the same. `watch` also
    records what the app does without `Tasks`. Raises LabError if the port is taken or the app does
    not start.
    """
    return Serving(app, port, quiet, watch)


async def start(app: ASGIApp, *, port: int = 0, quiet: bool = False, watch: bool = False) -> Lab:
    """Do as `serve` does, until `await lab.stop()`: for a notebook, whose cells share a server."""
    return await Serving(app, port, quiet, watch).__aenter__()


class Serving:
    """A server that is to run for as long as a block: see `serve`."""

    def __init__(self, app: ASGIApp, port: int, quiet: bool, watch: bool) -> None:
        if not callable(app):
            raise TypeError(
                f"the lab got an object of type {type(app).__name__}, which is no ASGI app: "
                "pass the FastAPI app itself"
            )
        self._app, self.recorder = recorded(app, watch=watch)
        self._port = port
        self._quiet = quiet
        self._lab: Lab | SyncLab

    async def __aenter__(self) -> Lab:
        server, url, visits = self._prepare()
        try:
            await to_thread.run_sync(server.start)
        except BaseException:
            server.ask_to_stop()
            raise
        self._lab = Lab(url, self.recorder, server, visits)
        return self._lab

    async def __aexit__(self, *_: object) -> None:
        assert isinstance(self._lab, Lab)
        await self._lab.stop()

    def __enter__(self) -> SyncLab:
        server, url, visits = self._prepare()
        server.start()
        self._lab = SyncLab(url, self.recorder, server, visits)
        return self._lab

    def __exit__(self, *_: object) -> None:
        assert isinstance(self._lab, SyncLab)
        self._lab.stop()

    def _prepare(self) -> tuple[ServerThread, str, Visits]:
        taken = bind(self._port)
        visits = Visits(self.recorder.clock)
        server = ServerThread(Joining(self._app, visits), taken, quiet=self._quiet)
        return server, address(taken), visits
