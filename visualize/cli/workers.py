"""Several processes that serve one app on one socket, each with a recording of its own."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi_tasks import Timeline, load, merge

from .errors import FAILURE, CommandError

READY = b"ready\n"


class Worker:
    """One process, its recording and a pipe on which it says that it answers."""

    def __init__(self, number: int, options: argparse.Namespace, taken: socket.socket) -> None:
        output: Path = options.output
        self.number = number
        self.path = output.with_name(f"{output.name}.{number}")
        self._says, hears = os.pipe()
        command = [
            sys.executable, *_warnings(), "-m", "visualize", "record", options.app,
            "--output", str(self.path), "--worker", f"{taken.fileno()},{hears}",
            *([] if options.watch else ["--no-watch"]),
        ]  # fmt: skip
        # Ctrl-C goes to all processes of a terminal's group; it is for the first to pass on.
        self.process = subprocess.Popen(
            command, pass_fds=(taken.fileno(), hears), start_new_session=True
        )
        os.close(hears)

    def is_ready(self) -> bool:
        """Wait until it answers; tell whether it does."""
        with os.fdopen(self._says, "rb") as says:
            return says.read() == READY

    def ask_to_stop(self, number: int) -> None:
        """Pass a signal on, if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def recording(self) -> list[Timeline]:
        """Return what it has recorded, and remove the file; also what a crash has left."""
        found: list[Timeline] = []
        for path in (self.path, self.path.with_name(f"{self.path.name}.part")):
            if path.exists():
                found += load(path)
                path.unlink()
        return found


def check(options: argparse.Namespace) -> None:
    """Raise CommandError where several workers are not to be had."""
    if options.workers < 1:
        raise CommandError(f"{options.workers} workers serve nobody: give a number from 1")
    if options.workers > 1 and sys.platform == "win32":
        raise CommandError("a socket cannot be shared on Windows: leave --workers out")
    for number in range(1, options.workers + 1) if options.workers > 1 else ():
        for left in (f"{options.output.name}.{number}", f"{options.output.name}.{number}.part"):
            if options.output.with_name(left).exists():
                raise CommandError(
                    f"{options.output.with_name(left)} is there, of a recording that runs or was "
                    "cut short: wait for it, or look at the file and move it away"
                )


def serve(
    options: argparse.Namespace, taken: socket.socket, started: Callable[[], object]
) -> list[Timeline]:
    """Serve with all workers until a signal comes; return what they have recorded, merged.

    Raises CommandError if the first does not start, which has said why by itself.
    """
    workers: list[Worker] = []
    with _passing_on(workers):
        try:
            for number in range(1, options.workers + 1):
                workers.append(Worker(number, options, taken))
                if number == 1 and not workers[0].is_ready():
                    raise CommandError("no worker started", workers[0].process.wait() or FAILURE)
            ready = [workers[0], *(one for one in workers[1:] if one.is_ready())]
            started()
            _wait(ready)
        finally:
            for worker in workers:
                worker.ask_to_stop(signal.SIGTERM)
            for worker in workers:
                worker.process.wait()
    return merge(*(worker.recording() for worker in workers))


def _wait(workers: list[Worker]) -> None:
    for worker in workers:
        code = worker.process.wait()
        if code:
            print(
                f"worker {worker.number} ended with code {code}: the recording holds what had "
                "ended by then",
                file=sys.stderr,
            )


@contextmanager
def _passing_on(workers: list[Worker]) -> Iterator[None]:
    """Pass Ctrl-C and SIGTERM on to the workers: each ends as a server of one process does."""

    def pass_on(number: int, _: object) -> None:
        for worker in workers:
            worker.ask_to_stop(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def worker_socket(given: str) -> tuple[socket.socket, int]:
    """Return the socket that a worker serves on, and where it says that it answers."""
    taken, hears = map(int, given.split(","))
    return socket.socket(fileno=taken), hears


def say_ready(hears: int) -> None:
    """Say that this worker answers."""
    os.write(hears, READY)
    os.close(hears)


def _warnings() -> list[str]:
    return [part for option in sys.warnoptions for part in ("-W", option)]
