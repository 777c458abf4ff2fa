"""Run the command line as its users do: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent
PATIENCE = 60

Command = Callable[..., tuple[int, str, str]]
"""Runs a command in this process: exit code, output, complaint."""


def environment(**more: str) -> dict[str, str]:
    """Return an environment without a display, in which this checkout is found."""
    kept = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
    paths = os.pathsep.join([str(ROOT), kept.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**kept, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100", **more}


def run(
    *arguments: str, cwd: Path, stdin: bytes | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "visualize", *arguments],
        cwd=cwd, env=environment(**more), input=stdin or b"", capture_output=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@contextmanager
def running(*arguments: str, cwd: Path, **more: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command for as long as the block, and end it if the block did not."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "visualize", *arguments],
        cwd=cwd, env=environment(**more), text=True, encoding="utf-8",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def line_with(words: str, stream: IO[str] | None) -> str:
    """Read on until a line holds these words."""
    assert stream is not None
    for line in stream:
        if words in line:
            return line
    raise AssertionError(f"no line with {words!r}")
