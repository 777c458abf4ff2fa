"""Processes that measure on request, with this environment or one of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).parent / "worker"


def environment(python: str | None) -> dict[str, str]:
    """Return variables with which this interpreter finds our packages, and another one its own."""
    ours_alone = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    variables = {name: value for name, value in os.environ.items() if name not in ours_alone}
    variables["PYTHONWARNINGS"] = "ignore"
    return variables if python else {**variables, "PYTHONPATH": str(ROOT)}


class Worker:
    """The near end of one process; every word to it is answered by one."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def say(self, word: Any) -> Any:
        """Send one JSON document and return the answer. Raises RuntimeError if it died."""
        self.tell(word)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"a process of the benchmark ended early, with exit code {self._process.wait()}: "
                "its reason is printed above"
            )
        return json.loads(line)

    def tell(self, word: Any) -> None:
        """Send one JSON document that is not answered."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(word) + "\n")
        self._process.stdin.flush()


@contextmanager
def working(python: str | None = None, loop: str = "asyncio") -> Iterator[Worker]:
    """Run a worker for as long as the block, with our packages or those of `python`."""
    process = subprocess.Popen(
        [python or sys.executable, str(WORKER), loop],
        env=environment(python),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with process:
            yield Worker(process)
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)
    finally:
        process.kill()
