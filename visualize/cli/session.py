"""Serve an app under a recorder, until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import ExitStack, closing
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from fastapi_tasks import Recorder, add_tasks
from fastapi_tasks.errors import FastAPITasksError
from visualize.lab.errors import LabError, not_started
from visualize.lab.log import kept_log
from visualize.lab.sockets import address, bind
from visualize.lab.thread import Hosted, TellingServer
from visualize.live import mount

from .apps import load_app
from .errors import CommandError
from .journal import Journal

PAGE = "/_timeline"
REQUESTS_LIMIT = 10


def record(name: str, output: Path, host: str, port: int) -> int:
    """Serve the app that `name` stands for, and write its requests to `output`."""
    app = load_app(name)
    recorder = _prepare(app)
    try:
        with closing(bind(port, host)) as taken, closing(Journal(recorder, output)) as journal:
            _serve(app, taken, name, output)
    except LabError as error:
        raise CommandError(str(error)) from None
    _report(journal, output)
    return 0


def _prepare(app: FastAPI) -> Recorder:
    """Give the app tasks if it has none, and a live page."""
    try:
        recorder: Recorder | None = getattr(app.state, "tasks_recorder", None)
        if recorder is None:
            recorder = add_tasks(app)
        mount(app, PAGE)
    except (FastAPITasksError, RuntimeError) as error:
        raise CommandError(f"the app cannot be recorded: {error}") from None
    return recorder


def _serve(app: FastAPI, taken: socket.socket, name: str, output: Path) -> None:
    hosted = Hosted(app, lambda: server.should_exit)
    config = uvicorn.Config(
        hosted, log_config=None, access_log=False, timeout_graceful_shutdown=REQUESTS_LIMIT
    )
    with ExitStack() as starting:

        def ready() -> None:
            starting.close()
            url = address(taken)
            print(f"{name} runs on {url}, its live timeline on {url}{PAGE}/")
            print(f"Recording into {output}; Ctrl-C ends it.", flush=True)

        server = TellingServer(config, ready)
        # uvicorn raises the signal that ended it once more: then there is a file to finish.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: setattr(server, "should_exit", True))
        starting.enter_context(kept_log([]))
        try:
            asyncio.run(server.serve(sockets=[taken]))
        except SystemExit:
            raise not_started(hosted.error) from None


def _report(journal: Journal, output: Path) -> None:
    if journal.late:
        print(f"{journal.late} tasks came after their request was written, and are not in it.")
    if not journal.count:
        print("No request came, so nothing was written.")
        return
    many = f"{journal.count} requests are" if journal.count > 1 else "1 request is"
    print(f"{many} in {output}; python -m visualize show {output} shows them.")
