"""The live page: from a task's end to its pixels, at 1,000 events a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from fastapi import FastAPI

from fastapi_tasks import Tasks, add_tasks
from tests.benchmarks.browser import SECONDS, chromium
from tests.benchmarks.environments import UnavailableError
from tests.benchmarks.numbers import percentile
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from visualize.lab import SyncLab, serve
from visualize.live import mount, stream
from visualize.live.token import token_of

# A task is requested, released, started and finished: 50 × 5 × 4 events a second.
RATE, TASKS = 50, 5
DURATION = 8.0
STREAM = 1.5

UNIT = f"{RATE * TASKS * 4:,} events a second, the connection ended every {STREAM} s"

# At each frame: which tasks the page has by now, and how long ago each had finished.
WATCH = """() => {
    const { viewer } = document.querySelector("#timeline");
    window.delays = {};
    window.doubled = 0;
    const look = () => {
        const now = performance.timeOrigin + performance.now();
        const recording = viewer.state.recordings[0];
        const { owner, times } = recording.tables.tasks;
        const ids = recording.wall.map((_, r) => recording.value("requests", "id", r));
        window.doubled += ids.length - new Set(ids).size;
        owner.forEach((r, i) => {
            const ended = (Number(recording.wall[r]) + times.finished[i]) / 1e6;
            const task = `${ids[r]}:${recording.value("tasks", "id", i)}`;
            if (times.finished[i] >= 0) window.delays[task] ??= now - ended;
        });
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Watch a real app's page while it is kept busy."""
    subject = Subject(UNIT, ["p50, ms", "p95, ms", "lost", "doubled"])
    try:
        with chromium() as browser, short_streams(), serve(shop()) as lab:
            progress.step("orders")
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(SECONDS * 1000)
            page.goto(f"{lab.url}/_timeline/?token={token_of('/_timeline')}")
            page.evaluate(WATCH)
            sent = keep_busy(lab, 2.0 if quick else DURATION)
            page.wait_for_timeout(1000)
            subject.rows["task end to pixel"] = _row(page, sent)
            page.goto("about:blank")
    except UnavailableError as error:
        subject.notes.append(str(error))
    return subject


def shop() -> FastAPI:
    """Return an app whose orders have five short tasks."""
    app = FastAPI()
    add_tasks(app)
    mount(app)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        for _ in range(TASKS):
            tasks.after_response.schedule(anyio.sleep, 0.02)

    return app


@contextmanager
def short_streams() -> Iterator[None]:
    """Let the server end each connection soon, so that the page has to come back."""
    before = stream.STREAM
    stream.STREAM = STREAM
    try:
        yield
    finally:
        stream.STREAM = before


def keep_busy(lab: SyncLab, seconds: float) -> int:
    """Send orders at the rate, and return how many."""
    begin, sent = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        lab.post("/orders")
        sent += 1
        time.sleep(max(0.0, begin + sent / RATE - time.perf_counter()))
    lab.settled()
    return sent


def _row(page: Any, sent: int) -> dict[str, float]:
    delays = list(page.evaluate("() => window.delays").values())
    return {
        "p50, ms": round(percentile(delays, 50), 1),
        "p95, ms": round(percentile(delays, 95), 1),
        "lost": sent * TASKS - len(delays),
        "doubled": page.evaluate("() => window.doubled"),
    }
