"""Pictures and pages of 1,000 to 100,000 tasks: seconds, kilobytes, time to first picture."""

from __future__ import annotations

import gzip
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from fastapi_tasks import Timeline
from tests.benchmarks.browser import chromium, first_picture
from tests.benchmarks.environments import UnavailableError, python_with, versions_in
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from tests.benchmarks.workers import WORKER, environment
from tests.samples import random_timelines
from tests.short import short_assets
from visualize import plot, to_html, to_png
from visualize.assets import asset
from visualize.page import live_html

SIZES = (1_000, 10_000, 100_000)
TASKS_PER_REQUEST = 100
PEERS = ["plotly", "Bokeh", "VizTracer"]
PEER_PACKAGES = ["plotly", "pandas", "bokeh", "viztracer"]
PEER_SECONDS = 300
LOOKS = 3

UNIT = f"{TASKS_PER_REQUEST} tasks a request; first picture: opened in headless Chromium until idle"


def measure(progress: Progress, *, quick: bool, peers: bool = False) -> Subject:
    """Draw ours and, if asked, what other libraries make of the same tasks."""
    subject = Subject(UNIT, ["plot, to_png", "to_html", *PEERS])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        browser = None if quick else _browser(subject, stack)
        python = _peers(subject) if peers else None
        if not stack.enter_context(short_assets()):
            subject.notes.append("pages of a checkout: without tdewolff-minify nothing is short")
        _sizes_of_nothing(subject)
        for size in SIZES[:2] if quick else SIZES:
            progress.step(f"{size:,} tasks")
            tasks = random_timelines(size // TASKS_PER_REQUEST, TASKS_PER_REQUEST)
            pages = {"to_html": _draw_ours(subject, size, tasks, folder)}
            if python:
                data = _dump(tasks, folder)
                for peer in PEERS:
                    progress.step(f"{size:,} tasks, {peer}")
                    pages[peer] = _draw_peer(subject, python, peer, size, data)
            for name, page in pages.items() if browser else ():
                progress.step(f"{size:,} tasks, {name} in the browser")
                _look(subject, browser, name, size, page)
    return subject


def _browser(subject: Subject, stack: ExitStack) -> Any:
    try:
        return stack.enter_context(chromium())
    except UnavailableError as error:
        subject.notes.append(f"no time to first picture: {error}")
        return None


def _peers(subject: Subject) -> str | None:
    try:
        python = python_with("peers", PEER_PACKAGES)
    except UnavailableError as error:
        subject.notes.append(f"the peers are left out: {error}")
        return None
    subject.notes.append(f"beside {versions_in(python, PEERS)}")
    return python


def _sizes_of_nothing(subject: Subject) -> None:
    page = to_html([]).encode()
    live = live_html("events").encode(), asset("timeline.js").encode()
    # As a server sends it: no source is written shorter than it reads well.
    compressed = [len(gzip.compress(one)) / 1e3 for one in (page, *live)]
    _enter(subject, "empty page, compressed, KB", "to_html", compressed[0])
    _enter(subject, "live page with its script, compressed, KB", "to_html", sum(compressed[1:]))
    _enter(subject, "empty page, KB", "to_html", len(page) / 1e3)


def _draw_ours(subject: Subject, size: int, tasks: list[Timeline], folder: Path) -> Path:
    # The first call imports what it needs, finds the fonts, and reads its files.
    to_png(plot(tasks[:1])), to_html(tasks[:1])
    times = 1 if size > 10_000 else 3
    seconds, picture = _timed(lambda: to_png(plot(tasks)), times)
    _enter_file(subject, size, "plot, to_png", seconds, len(picture))
    seconds, text = _timed(lambda: to_html(tasks), times)
    page = folder / f"ours-{size}.html"
    page.write_text(text)
    _enter_file(subject, size, "to_html", seconds, page.stat().st_size)
    return page


def _timed(draw: Callable[[], Any], times: int) -> tuple[float, Any]:
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        result = draw()
        best = min(best, time.perf_counter() - began)
    return best, result


def _dump(timelines: list[Timeline], folder: Path) -> Path:
    tasks = [[t.name, t.mode, t.started, t.finished] for one in timelines for t in one.tasks]
    data = folder / "tasks.json"
    data.write_text(json.dumps(tasks))
    return data


def _draw_peer(subject: Subject, python: str, peer: str, size: int, data: Path) -> Path:
    page = data.with_name(f"{peer}-{size}.html")
    done = subprocess.run(
        [python, str(WORKER / "peers.py"), peer, str(data), str(page)],
        env=environment(python), stdout=subprocess.PIPE, text=True, check=True,
        timeout=PEER_SECONDS,
    )  # fmt: skip
    _enter_file(subject, size, peer, float(done.stdout), page.stat().st_size)
    return page


def _look(subject: Subject, browser: Any, name: str, size: int, page: Path) -> None:
    try:
        best = min(first_picture(browser, page) for _ in range(LOOKS))
        _enter(subject, f"{size:,} tasks: first picture, s", name, best)
    except UnavailableError as error:
        note = f"no time to first picture of {name}: {error}"
        subject.notes += [] if note in subject.notes else [note]


def _enter_file(subject: Subject, size: int, name: str, seconds: float, count: int) -> None:
    _enter(subject, f"{size:,} tasks: seconds", name, seconds)
    _enter(subject, f"{size:,} tasks: KB", name, count / 1e3)


def _enter(subject: Subject, row: str, name: str, value: float) -> None:
    subject.rows.setdefault(row, {})[name] = round(value, 3 if value < 10 else 1)
