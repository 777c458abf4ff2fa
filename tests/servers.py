"""Real servers, each in a process of its own, that end with their test."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fastapi_tasks import Timeline, from_json

PATIENCE = 30.0

ROOT = Path(__file__).parents[1]

UVICORN = ["uvicorn", "--host", "127.0.0.1", "--port", "0", "--loop"]
HYPERCORN = ["hypercorn", "--bind", "127.0.0.1:0", "--worker-class"]
COMMANDS = {
    "uvicorn": [*UVICORN, "asyncio"],
    "uvicorn on uvloop": [*UVICORN, "uvloop"],
    "hypercorn": [*HYPERCORN, "asyncio"],
    "hypercorn on trio": [*HYPERCORN, "trio"],
    # Its default, 30 seconds, scaled down as the app's own limit is.
    "gunicorn": [
        *("gunicorn", "--bind", "127.0.0.1:0", "--graceful-timeout", "5"),
        *("--worker-class", "uvicorn_worker.UvicornWorker", "--no-control-socket"),
    ],
    # No server at all: the test's own calls, in a process of their own.
    "direct on asyncio": ["tests.stress.direct", "asyncio"],
    "direct on trio": ["tests.stress.direct", "trio"],
}
# What a server without any tasks exits with after SIGTERM; uvicorn passes the signal on.
NORMAL_EXIT = {kind: -signal.SIGTERM if kind.startswith("uvicorn") else 0 for kind in COMMANDS}

_UVLOOP = pytest.param(
    "uvicorn on uvloop",
    marks=pytest.mark.skipif(
        importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed"
    ),
)
KINDS = ["uvicorn", _UVLOOP, "hypercorn", "hypercorn on trio"]
EVENT_LOOPS = ["uvicorn", _UVLOOP, "hypercorn on trio"]

TROUBLE = ("Traceback", "Warning", "never awaited", "never retrieved", "Exception ignored")


class ServerProcess:
    """A server process: what it printed so far, the gates of its app, its end.

    `settings` go into its environment.
    """

    def __init__(self, kind: str, app: str, **settings: str) -> None:
        self.kind = kind
        self._process = subprocess.Popen(
            [sys.executable, "-m", *COMMANDS[kind], f"tests.served.{app}"],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def output(self) -> str:
        """All that was printed so far."""
        return "\n".join(self._lines)

    @property
    def said(self) -> list[str]:
        """What the app itself said so far."""
        return [line.removeprefix("app: ") for line in self._lines if line.startswith("app: ")]

    def wait_for(self, text: str) -> str:
        """Return the first line that contains `text`, as soon as it was printed."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._find(text), PATIENCE)
            line = self._find(text)
        assert line is not None, f"{text!r} was not printed:\n{self.output}"
        return line

    def _find(self, text: str) -> str | None:
        return next((line for line in self._lines if text in line), None)

    def open(self, gate: str) -> None:
        """Let the app pass where it waits for this gate."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{gate}\n")
        self._process.stdin.flush()

    def terminate(self) -> None:
        """Ask the server to shut down, as a process manager does."""
        self.signal(signal.SIGTERM)

    def signal(self, number: signal.Signals) -> None:
        """Send this signal to the server."""
        os.kill(self._process.pid, number)

    def exit_code(self) -> int:
        """Return with what the process exited, by itself."""
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def kill(self) -> None:
        """End whatever is left of the process and of what it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def assert_no_trouble(self) -> None:
        """Fail on what no server should print."""
        assert [line for line in self._lines if any(sign in line for sign in TROUBLE)] == []


class Server(ServerProcess):
    """A server process that answers, and its client."""

    url: str
    client: httpx.Client

    def listen(self) -> None:
        """Wait until the server listens."""
        line = self.wait_for("istening at: http" if self.kind == "gunicorn" else "unning on http")
        found = re.search(r"127\.0\.0\.1:\d+", line)
        assert found is not None
        self.url = f"http://{found[0]}"
        # Proxies of the environment have no business on the loopback interface.
        self.client = httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False)

    def timeline(self, path: str) -> Timeline:
        """Return the timeline of the one request to `path`, when all its tasks have ended."""
        (timeline,) = self.timelines(path)
        return timeline

    def timelines(self, path: str) -> list[Timeline]:
        """Return the timelines of all requests to `path`, when all their tasks have ended."""
        return from_json(self.client.get("/timelines", params={"of": path}).text)


@contextmanager
def running(kind: str, app: str, **settings: str) -> Iterator[Server]:
    """Run `app`, a name in the package tests.served, on a server of this kind."""
    server = Server(kind, app, **settings)
    try:
        server.listen()
        with server.client:
            yield server
    finally:
        server.kill()
