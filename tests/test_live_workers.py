"""The live page of a server with several workers: one page shows them all."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.processes import ROOT
from visualize.live.siblings import Siblings

APP = """
import os
from fastapi import FastAPI
from fastapi_tasks import Tasks, add_tasks
from visualize.live import mount

app = FastAPI()
add_tasks(app)
mount(app)


async def work() -> None: ...


@app.get("/")
async def pid(tasks: Tasks) -> int:
    tasks.after_response.schedule(work)
    return os.getpid()
"""

GUNICORN = [
    *("gunicorn", "--bind", "127.0.0.1:0", "--workers", "2", "--graceful-timeout", "5"),
    *("--worker-class", "uvicorn_worker.UvicornWorker", "--no-control-socket"),
]
COMMANDS = {
    "uvicorn": ["uvicorn", "--port", "0", "--workers", "2"],
    "gunicorn": GUNICORN,
    "gunicorn, preloaded": [*GUNICORN, "--preload"],
    "hypercorn on trio": ["hypercorn", "-b", "127.0.0.1:0", "-w", "2", "-k", "trio"],
    "record": ["visualize", "record", "--port", "0", "--workers", "2"],
}
PATIENCE = 60


@pytest.fixture
def spool() -> Iterator[str]:
    """A folder for temporary files whose name is short, as those of sockets have to be."""
    with tempfile.TemporaryDirectory(prefix="w") as folder:
        yield folder


class Server:
    """A server with two workers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        line = self.line_with("http://127.0.0.1:")
        address = line.partition("http://127.0.0.1:")[2]
        port = "".join(char for char in address if char.isdigit() or char == " ").split()[0]
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    def line_with(self, words: str) -> str:
        """Wait until a line holds these words."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for line in list(self.lines):
                if words in line:
                    return line
            time.sleep(0.05)
        raise AssertionError(f"no line with {words!r} in {self.lines}")

    def ask_both(self) -> set[int]:
        """Send requests until both workers have answered; return their process ids."""
        pids: set[int] = set()
        until = time.monotonic() + PATIENCE
        while len(pids) < 2 and time.monotonic() < until:
            # Each on a connection of its own, which any worker may take, once it listens.
            with suppress(httpx.ConnectError):
                pids.add(httpx.get(self.client.base_url, trust_env=False).json())
        assert len(pids) == 2
        return pids

    def token(self) -> str:
        """Have the address logged, and read it there."""
        self.client.get("/_timeline/")
        return self.line_with("token=").partition("token=")[2].split()[0]

    def end(self) -> None:
        """Stop the server with SIGTERM."""
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self._reader.join()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(())
        for line in self.process.stdout:
            self.lines.append(line)


@contextmanager
def serving(kind: str, folder: Path, spool: str) -> Iterator[Server]:
    # This one brings a page of its own.
    app = APP.replace("mount(app)\n", "") if kind == "record" else APP
    (folder / "watched.py").write_text(app)
    with subprocess.Popen(
        [sys.executable, "-m", *COMMANDS[kind], "watched:app"], cwd=folder, text=True,
        env={
            **os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONUNBUFFERED": "1",
            "TMPDIR": spool,
        },
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield Server(process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


class Told:
    """What a reader is told, whole: requests by process and number, counters, its cursor."""

    def __init__(self) -> None:
        self.requests: dict[tuple[int, int], dict[str, Any]] = {}
        self.lines: list[str] = []
        self.counters: dict[str, Any] = {}
        self.cursor = ""

    @property
    def whole(self) -> bool:
        """Whether nothing more can come of the requests that it was told of."""
        return all("request_end" in one for one in self.requests.values())

    def read(self, server: Server, token: str, done: Callable[[], bool]) -> None:
        """Read on until `done`, on a connection of its own."""
        headers = {"last-event-id": self.cursor} if self.cursor else {}
        query = {"token": token}
        url = f"{server.client.base_url}/_timeline/events"
        until = time.monotonic() + PATIENCE
        name = ""
        with httpx.stream(
            "GET", url, params=query, headers=headers, trust_env=False, timeout=PATIENCE
        ) as response:
            assert response.status_code == 200
            for line in response.iter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "id":
                    self.cursor = value
                elif field == "data" and name == "counters":
                    self.counters = json.loads(value)
                elif field == "data" and not name:
                    self.lines.append(value)
                    said = json.loads(value)
                    self.requests.setdefault((said["process"], said["id"]), {}).update(said)
                elif not line:
                    name = ""
                    if done():
                        return
                assert time.monotonic() < until
        raise AssertionError("the stream ended")


@pytest.mark.parametrize("kind", COMMANDS)
def test_the_page_of_one_worker_shows_all(kind: str, tmp_path: Path, spool: str) -> None:
    with serving(kind, tmp_path, spool) as server:
        pids = server.ask_both()
        token = server.token()
        told = Told()

        def both() -> bool:
            here = {pid for pid, _ in told.requests} == pids and told.whole
            return here and told.counters["processes"] == 2

        told.read(server, token, both)
        # Whichever worker it meets when it comes back, it is told what is new and nothing else.
        for _ in range(3):
            seen = set(told.requests)
            told.lines.clear()
            answered = server.ask_both()

            def news() -> bool:
                new = {pid for pid, _ in set(told.requests) - seen}  # noqa: B023
                return new == answered and told.whole  # noqa: B023

            told.read(server, token, news)
            assert not {(one["process"], one["id"]) for one in map(json.loads, told.lines)} & seen
        server.end()
    if kind.startswith("hypercorn"):
        # On a busy machine its workers were seen to be gone before they had tidied up.
        return
    # The last worker may end a little later than what started it.
    until = time.monotonic() + PATIENCE
    while list(Path(spool).glob("timeline-*")):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("kind", COMMANDS)
def test_the_address_that_is_told_is_one_that_answers(
    kind: str, tmp_path: Path, spool: str
) -> None:
    with serving(kind, tmp_path, spool) as server:
        server.ask_both()
        server.token()
        told = [
            found for line in server.lines if (found := re.search(r"http\S+token=[^\s,]+", line))
        ]
        answers = {httpx.get(one[0], trust_env=False).status_code for one in told}
        server.end()
    # The token goes into a cookie, and out of the address.
    assert answers == {303}


def test_a_reader_does_not_hold_up_the_end_of_the_workers(tmp_path: Path, spool: str) -> None:
    with serving("uvicorn", tmp_path, spool) as server:
        server.ask_both()
        token, told = server.token(), Told()
        reading = threading.Event()

        def note() -> bool:
            reading.set()
            return False

        def follow() -> None:
            with pytest.raises((AssertionError, httpx.HTTPError)):
                told.read(server, token, note)

        follower = threading.Thread(target=follow)
        follower.start()
        assert reading.wait(PATIENCE)
        begun = time.monotonic()
        server.end()
        follower.join()
    assert time.monotonic() - begun < 15


def test_one_process_alone_has_neither_thread_nor_folder() -> None:
    before = {thread.name for thread in threading.enumerate()}
    siblings = Siblings("/_timeline Shop", None)  # type: ignore[arg-type]
    siblings.start()
    assert siblings.feeds() == []
    assert {thread.name for thread in threading.enumerate()} == before
    assert not list(Path(tempfile.gettempdir()).glob(f"timeline-*/{os.getpid()}.sock"))
