"""Serve an app for as long as a block, or until it is stopped by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from . import browser
from .bench import Lab, SyncLab
from .errors import LabError
from .recorded import recorded
from .visits import Joining, Visits

if TYPE_CHECKING:
    from .inprocess import InProcess
    from .thread import ServerThread


def serve(
    app: ASGIApp,
    *,
    port: int = 0,
    quiet: bool = False,
    watch: bool = False,
    in_process: bool | None = None,
) -> Serving:
    """Run an app on a real server on the loopback interface: `async with`, or `with` in a script.

    The server has a thread of its own, so that the client's view is true even while the app holds
    its event loop. `port` 0 takes a free one. `quiet` keeps the server's and the tasks' log out of
    stderr, and in `lab.log`. An app without `add_tasks` is recorded all the same. `watch` also
    records what the app does without `Tasks`. `in_process` calls the app in this event loop,
    without a server: for `async with` on asyncio; by default so in a browser, where no server can
    be. Raises LabError if the port is taken or the app does not start.
    """
    return Serving(app, port, quiet, watch, in_process)


async def start(
    app: ASGIApp,
    *,
    port: int = 0,
    quiet: bool = False,
    watch: bool = False,
    in_process: bool | None = None,
) -> Lab:
    """Do as `serve` does, until `await lab.stop()`: for a notebook, whose cells share a server."""
    return await Serving(app, port, quiet, watch, in_process).__aenter__()


class Serving:
    """A server that is to run for as long as a block: see `serve`."""

    def __init__(
        self, app: ASGIApp, port: int, quiet: bool, watch: bool, in_process: bool | None
    ) -> None:
        if not callable(app):
            raise TypeError(
                f"the lab got an object of type {type(app).__name__}, which is no ASGI app: "
                "pass the FastAPI app itself"
            )
        self._app, self.recorder = recorded(app, watch=watch)
        self._visits = Visits(self.recorder.clock)
        self._port = port
        self._quiet = quiet
        self._in_process = browser.IN_BROWSER if in_process is None else in_process
        self._lab: Lab | SyncLab

    async def __aenter__(self) -> Lab:
        host, url = self._called() if self._in_process else self._served()
        await host.start_beside()
        self._lab = Lab(url, self.recorder, host, self._visits)
        return self._lab

    async def __aexit__(self, *_: object) -> None:
        assert isinstance(self._lab, Lab)
        await self._lab.stop()

    def __enter__(self) -> SyncLab:
        if self._in_process:
            kind = browser.NotInBrowserError if browser.IN_BROWSER else LabError
            raise kind(
                "an app that is called in-process needs the event loop to go on, and `with` holds "
                "it: write `async with serve(app) as lab`"
            )
        host, url = self._served()
        host.start()
        self._lab = SyncLab(url, self.recorder, host, self._visits)
        return self._lab

    def __exit__(self, *_: object) -> None:
        assert isinstance(self._lab, SyncLab)
        self._lab.stop()

    def _served(self) -> tuple[ServerThread, str]:
        from .sockets import address, bind
        from .thread import ServerThread

        taken = bind(self._port)
        server = ServerThread(Joining(self._app, self._visits), taken, quiet=self._quiet)
        return server, address(taken)

    def _called(self) -> tuple[InProcess, str]:
        from .inprocess import URL, InProcess

        if browser.IN_BROWSER:
            browser.adapt()
        return InProcess(Joining(self._app, self._visits), quiet=self._quiet), URL
