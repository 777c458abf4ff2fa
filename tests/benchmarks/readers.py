"""The live page's readers: what many of them cost the app, against one."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import anyio
import httpx
from fastapi import FastAPI

from fastapi_tasks import Tasks, add_tasks
from tests.benchmarks.numbers import percentile
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from tests.benchmarks.workers import ROOT
from visualize.live import mount

# A task is requested, released, started and finished: 50 × 5 × 4 events a second.
RATE, TASKS = 50, 5
SECONDS = 8.0
CROWD = 200
ROUNDS = 3

COLUMNS = ["CPU a request, ms", "× one reader", "response p50, ms", "response p95, ms"]


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Keep an app busy while nobody, one and many read its live page."""
    subject = Subject(f"{RATE * TASKS * 4:,} events a second; a server of its own", COLUMNS)
    found: dict[int, list[list[float]]] = {0: [], 1: [], CROWD: []}
    with serving() as url, httpx.Client(base_url=url, trust_env=False) as client:
        pid = client.get("/pid").json()
        for _ in range(1 if quick else ROUNDS):
            for many, numbers in found.items():
                progress.step(f"{many} readers")
                with read_by(many, url):
                    numbers.append(busy(client, pid, 3.0 if quick else SECONDS))
    medians = {many: [sorted(one)[len(one) // 2] for one in zip(*numbers, strict=True)]
               for many, numbers in found.items()}  # fmt: skip
    for many, (cpu, p50, p95) in medians.items():
        row = [round(cpu, 2), round(cpu / medians[1][0], 2), round(p50, 1), round(p95, 1)]
        name = "no reader" if many == 0 else f"{many} readers" if many > 1 else "1 reader"
        subject.rows[name] = dict(zip(COLUMNS, row, strict=True))
    return subject


def shop() -> FastAPI:
    """Return an app whose orders have five short tasks, and whose page everybody may see."""
    app = FastAPI()
    add_tasks(app)
    mount(app, dependencies=[])

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        for _ in range(TASKS):
            tasks.after_response.schedule(anyio.sleep, 0.02)

    @app.get("/pid")
    async def pid() -> int:
        return os.getpid()

    return app


@contextmanager
def serving() -> Iterator[str]:
    """Run the app on a uvicorn of its own, and give its URL."""
    command = [sys.executable, "-m", "uvicorn", "--factory", f"{__name__}:shop"]
    options = ["--port", "0", "--no-access-log", "--loop", "asyncio"]
    with subprocess.Popen(
        [*command, *options], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        try:
            yield next(line for line in server.stderr if "running on" in line).split()[4]
        finally:
            server.terminate()


@contextmanager
def read_by(many: int, url: str) -> Iterator[None]:
    """Have so many readers who throw away what they are told, and come back when it ends."""
    ending = threading.Event()
    thread = threading.Thread(target=_read, args=(many, url, ending))
    thread.start()
    time.sleep(1.0 + many / 200)
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _read(many: int, url: str, ending: threading.Event) -> None:
    address = urlsplit(url)
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(many):
            peer = stack.enter_context(
                socket.create_connection((address.hostname, address.port or 80))
            )
            peer.sendall(
                b"GET /_timeline/events HTTP/1.1\r\nHost: localhost\r\n"
                b"Accept-Encoding: gzip\r\n\r\n"
            )
            selector.register(peer, selectors.EVENT_READ)
        while not ending.is_set():
            for key, _ in selector.select(0.1):
                assert isinstance(key.fileobj, socket.socket)
                if not key.fileobj.recv(1 << 20):
                    raise RuntimeError("the server closed the stream of a reader")


def busy(client: httpx.Client, pid: int, seconds: float) -> list[float]:
    """Send orders at the rate; return milliseconds: CPU a request, the responses' p50 and p95."""
    before, begin = _cpu(pid), time.perf_counter()
    took: list[float] = []
    while (now := time.perf_counter()) - begin < seconds:
        client.post("/orders")
        took.append((time.perf_counter() - now) * 1000)
        time.sleep(max(0.0, begin + len(took) / RATE - time.perf_counter()))
    spent = (_cpu(pid) - before) * 1000 / len(took)
    return [spent, percentile(took, 50), percentile(took, 95)]


def _cpu(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
