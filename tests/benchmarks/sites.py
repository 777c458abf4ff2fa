"""Contenders on real servers, and the client that visits them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tests.benchmarks.contenders import environment_of
from tests.benchmarks.environments import UnavailableError
from tests.benchmarks.results import Subject
from tests.benchmarks.workers import WORKER, Worker, environment


@contextmanager
def serving(contender: str, script: str = "serve.py") -> Iterator[int]:
    """Run a contender on uvicorn for as long as the block, and give its port."""
    python = environment_of(contender)
    process = subprocess.Popen(
        [python or sys.executable, str(WORKER / script), contender],
        env=environment(python),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with process:
            assert process.stdout is not None
            yield int(process.stdout.readline())
            # Whatever it holds in flight is of no interest any more.
            process.kill()
    finally:
        process.kill()


def open_sites(stack: ExitStack, contenders: list[str], subject: Subject) -> dict[str, int]:
    """Return the ports of those contenders that can be had; note the others."""
    ports = {}
    for name in contenders:
        try:
            ports[name] = stack.enter_context(serving(name))
        except UnavailableError as error:
            subject.notes.append(f"{name} is left out: {error}")
    return ports


class Client:
    """A client process."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        worker.say({"subject": "load"})

    def visit(self, port: int, path: str, **options: Any) -> tuple[float, list[int]]:
        """Return the seconds of a visit, and the nanoseconds of each request, sorted."""
        answer = self._worker.say({"port": port, "path": path, **options})
        return answer["seconds"], answer["nanoseconds"]
