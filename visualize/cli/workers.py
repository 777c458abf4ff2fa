"""Several processes that serve one app on one socket, each with a recording of its own."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socket
from typing import Any

from fastapi_tasks import Timeline, load, merge
from fastapi_tasks.errors import RecordingError
from fastapi_tasks.files import target_of
from visualize.answers.naming import requests_of

from .errors import FAILURE, USAGE, CommandError
from .files import unwritable
from .signals import ending

Serve = Callable[[argparse.Namespace, socket, Callable[[str], object]], tuple[object, int]]
"""Serves until a signal comes; says on which path the live page is once it answers. Returns the
exit code too."""

# Not forked: what an app starts at its import may not survive that.
_context = get_context("spawn")


class Worker:
    """One process, and where its recording is."""

    def __init__(self, serve: Serve, options: argparse.Namespace, taken: socket) -> None:
        self.path: Path = options.output
        self._said, says = _context.Pipe(duplex=False)
        self.process = _context.Process(target=_work, args=(serve, options, taken, says))
        self.process.start()
        self._over = False
        says.close()

    def ready(self) -> str | None:
        """Wait until it answers; return where its live page is, None where it has ended."""
        try:
            page: str = self._said.recv()
        except EOFError:
            return None
        return page

    def ask_to_stop(self, number: int) -> None:
        """Pass a signal on, if it still runs; also from a handler of that signal."""
        if self._over or self.process.pid is None:
            return
        # Whether it runs must not be asked for here: the handler may stand in the middle of that
        # very question in `ended()`, whose answer would be lost.
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def ended(self) -> int:
        """Wait for its end; return its exit code."""
        while self.process.is_alive():
            # Not for ever: a signal that comes just before the wait would not end it.
            self.process.join(0.2)
        self._over = True
        return self.process.exitcode or 0

    def recording(self) -> list[Timeline]:
        """Return what it has recorded; also what a crash has left."""
        paths = (self.path, self.path.with_name(f"{self.path.name}.part"))
        return [one for path in paths if path.exists() for one in _whole(path)]


def _whole(path: Path) -> list[Timeline]:
    """Read a recording, also one whose writer was killed in the middle of a line."""
    try:
        return load(path)
    except RecordingError as error:
        if not error.cut:
            raise CommandError(str(error)) from None
        return error.timelines


def _work(serve: Serve, options: argparse.Namespace, taken: socket, says: Connection) -> None:
    # Ctrl-C goes to all processes of a terminal's group; it is for the first to pass on.
    os.setsid()
    threading.Thread(target=_end_with, args=(parent_process(),), daemon=True).start()
    try:
        with closing(taken):
            _, code = serve(options, taken, says.send)
        sys.exit(code)
    except CommandError as error:
        print(f"visualize: {error}", file=sys.stderr)
        sys.exit(error.code)


def _end_with(parent: Any) -> None:
    """End as at Ctrl-C, once the process that started this one is gone without a word."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


MOST = 128
"""Workers: each is a process of its own, of tens of megabytes."""


def check(workers: int) -> None:
    """Raise CommandError where so many workers are not to be had."""
    if workers < 1:
        raise CommandError(f"{workers} workers serve nobody: give a number from 1", USAGE)
    if workers > MOST:
        raise CommandError(
            f"{workers} workers would leave this machine no room for anything else: give at most "
            f"{MOST}, and of those no more than a few for each processor",
            USAGE,
        )
    if workers > 1 and sys.platform == "win32":
        raise CommandError("workers cannot be told to end on Windows: leave --workers out")


def serve_by_workers(
    serve: Serve,
    options: argparse.Namespace,
    taken: socket,
    started: Callable[[str], object],
    write: Callable[[list[Timeline]], object],
) -> int:
    """Serve with all workers until a signal comes; write what they have recorded, merged.

    Returns how many requests that is. Raises CommandError if the first does not start, which has
    said why by itself, and if it cannot be written: then their own recordings stay.
    """
    workers: list[Worker] = []
    with _folder(options.output) as folder, _passing_on(workers):
        try:
            for number in range(1, options.workers + 1):
                given = {"output": folder / f"{number}.jsonl", "worker": number - 1}
                own = argparse.Namespace(**vars(options) | given)
                workers.append(Worker(serve, own, taken))
                if number == 1:
                    # It finds out what is wrong with the app, once.
                    page = workers[0].ready()
                    if page is None:
                        raise CommandError("no worker started", workers[0].ended() or FAILURE)
            for worker in workers[1:]:
                worker.ready()
            started(page or "")
            _wait(workers)
        finally:
            for worker in workers:
                worker.ask_to_stop(signal.SIGTERM)
                worker.ended()
        timelines = merge(*(worker.recording() for worker in workers))
        requests = len(requests_of(timelines))
        if requests:
            write(timelines)
    return requests


def _wait(workers: list[Worker]) -> None:
    for worker in workers:
        code = worker.ended()
        if code:
            print(
                f"worker {worker.process.pid} ended with code {code}: the recording holds what it "
                "had written by then",
                file=sys.stderr,
            )


@contextmanager
def _folder(output: Path) -> Iterator[Path]:
    """Have a folder for the workers' recordings, beside the one that they become."""
    place = target_of(output)
    try:
        made = tempfile.mkdtemp(
            prefix=f"{output.name}.", dir=None if place is None else place.parent
        )
    except OSError as error:
        raise unwritable(output, error) from None
    try:
        yield Path(made)
    except BaseException as error:
        # What they have written is all that there is.
        with suppress(OSError):
            os.rmdir(made)
        if isinstance(error, CommandError) and os.path.exists(made):
            raise CommandError(f"{error}; the recordings are in {made}", error.code) from None
        raise
    shutil.rmtree(made)


@contextmanager
def _passing_on(workers: list[Worker]) -> Iterator[None]:
    """Pass the signals that end a server on to the workers, as if each had no other."""

    def pass_on(number: int, _: object) -> None:
        for worker in workers:
            worker.ask_to_stop(number)

    before = {number: signal.signal(number, pass_on) for number in ending()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
