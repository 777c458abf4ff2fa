"""A terminal that closes under `record`, as by its window or a lost connection."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from fastapi_tasks import load

from .processes import environment, line_with

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its terminals send no signal")

APP = """
import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from fastapi import BackgroundTasks, FastAPI

@asynccontextmanager
async def lifespan(app):
    yield
    Path("down").touch()

app = FastAPI(lifespan=lifespan)

async def later():
    await asyncio.sleep(0.3)

@app.get("/")
async def home(tasks: BackgroundTasks) -> None:
    tasks.add_task(later)
"""

RECORD = [sys.executable, "-m", "visualize", "record", "shop:app", "--port", "0"]


@contextmanager
def in_terminal(command: list[str], cwd: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a command as the only one of a terminal; give it and our end of that terminal."""
    ours, theirs = os.openpty()
    code = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY); " + (
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, *command],
        cwd=cwd, env=environment(COLUMNS="300"), start_new_session=True,
        stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        try:
            yield process, ours
        finally:
            process.kill()
            with suppress(OSError):
                os.close(ours)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_recorded_is_written_when_the_terminal_closes(
    workers: str, tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text(APP)
    with in_terminal([*RECORD, "--workers", workers], tmp_path) as (process, terminal):
        with open(terminal, encoding="utf-8", closefd=False) as said:
            url = line_with("runs on", said).split()[3].rstrip(",")
            line_with("Ctrl-C ends it", said)
        headers = {"connection": "close"}
        assert httpx.get(url, trust_env=False, headers=headers).status_code == 200
        os.close(terminal)
        process.wait(timeout=30)
    (timeline,) = load(tmp_path / "run.jsonl")
    assert [(one.name, one.outcome) for one in timeline.tasks] == [("later", "ok")]
    assert (tmp_path / "down").exists()
    assert [one.name for one in tmp_path.glob("run*")] == ["run.jsonl"]


def test_under_nohup_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    ignoring = ["/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh"]
    with subprocess.Popen(
        [*ignoring, *RECORD],
        cwd=tmp_path, env=environment(), text=True, encoding="utf-8",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        process.send_signal(signal.SIGHUP)
        assert httpx.get(url, trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert len(load(tmp_path / "run.jsonl")) == 1
