"""Frames per second of the viewer in headless Chromium, while it pans and zooms.

Run `python -m tests.benchmarks.viewer_frames [TASKS …]`; without numbers it measures 10,000,
100,000 and 1,000,000 tasks. Needs Debian's chromium and the PyPI package playwright.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.numbers import percentile
from tests.samples import random_timelines
from visualize.page import to_html

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
TASKS_PER_REQUEST = 100

BLANK = "<!doctype html><title>Nothing</title>"
LATE = 25.0
"""Milliseconds: a frame that comes after more has missed a refresh of the screen, at 60 Hz."""

# How often frames come tells whether any was missed, and nothing of how near it was: at 60 Hz,
# whatever the page does, one comes 16.7 ms after the other. So the work is timed too: handling the
# event, then from the frame's first callback to the first message after it, which is when scripts,
# style, layout and painting are done.
DRIVE = """async ({ kind, frames }) => {
    const stage = document.querySelector(".stage") ?? document.documentElement;
    const frame = () => new Promise(requestAnimationFrame);
    const painted = () => new Promise((done) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = done;
        port2.postMessage(null);
    });
    const place = { clientX: 640, clientY: 400, bubbles: true, cancelable: true };
    const wheel = (more) => stage.dispatchEvent(new WheelEvent("wheel", { ...place, ...more }));
    const intervals = [];
    const work = [];
    let last = await frame();
    for (let i = 0; i < frames; i++) {
        let began;
        requestAnimationFrame(() => (began = performance.now()));
        const event = performance.now();
        if (kind === "pan") wheel({ deltaX: i % 60 < 30 ? 25 : -25 });
        else wheel({ deltaY: i % 60 < 30 ? -12 : 12, ctrlKey: true });
        const handling = performance.now() - event;
        const now = await frame();
        await painted();
        work.push(handling + performance.now() - began);
        intervals.push(now - last);
        last = now;
    }
    return { intervals, work };
}"""


# From a key in the filter until what it leaves is painted.
KEYS = """async () => {
    const { part } = document.querySelector("#timeline").viewer.state;
    const times = [];
    for (const text of ["t", "ta", "task_1", "task_11", "task_11 wait>1ms", ""]) {
        part.search.value = text;
        const began = performance.now();
        part.search.dispatchEvent(new Event("input"));
        await new Promise(requestAnimationFrame);
        await new Promise((done) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = done;
            port2.postMessage(null);
        });
        times.push(performance.now() - began);
    }
    return times;
}"""
LANES = """async () => {
    const { viewer } = document.querySelector("#timeline");
    viewer.state.app.show("lanes");
    await viewer.settled();
}"""


@dataclass
class Frames:
    """How one way of moving went: frames per second, the late ones, and the work for a frame."""

    tasks: int
    kind: str
    fps: float
    late_percent: float
    interval_p95_ms: float
    work_p50_ms: float
    work_p95_ms: float
    work_max_ms: float
    megabytes: float
    first_picture_s: float
    key_ms: float


def measure(page: Page, tasks: int, folder: Path, frames: int = 180) -> list[Frames]:
    """Open `tasks` tasks and measure panning and zooming, with every bar in view at first."""
    document = to_html(random_timelines(tasks // TASKS_PER_REQUEST, TASKS_PER_REQUEST))
    file = folder / f"{tasks}.html"
    file.write_text(document)
    began = time.perf_counter()
    page.goto(file.as_uri())
    page.wait_for_function("() => document.querySelector('#timeline').viewer?.ready")
    page.evaluate("async () => { await document.querySelector('#timeline').viewer.settled() }")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    first = time.perf_counter() - began
    page.evaluate(LANES)
    size = round(len(document) / 1e6, 2)
    key = round(max(page.evaluate(KEYS)), 1)
    return [
        Frames(tasks, kind, *drive(page, kind, frames), size, round(first, 2), key_ms=key)
        for kind in ("pan", "zoom")
    ]


def drive(page: Page, kind: str, frames: int) -> Iterator[float]:
    """Move, and yield the numbers of `Frames` from `fps` to `work_max_ms`."""
    times = page.evaluate(DRIVE, {"kind": kind, "frames": frames})
    intervals, work = times["intervals"], times["work"]
    yield round(1000 * frames / sum(intervals), 1)
    yield round(100 * sum(one > LATE for one in intervals) / frames, 1)
    yield round(percentile(intervals, 95), 1)
    yield from (round(percentile(work, percent), 1) for percent in (50, 95, 100))


def idle(page: Page, frames: int = 180) -> tuple[float, float]:
    """Return the frames per second and the p95 interval of a page that draws nothing."""
    page.set_content(BLANK)
    fps, _, interval, *_ = drive(page, "pan", frames)
    return fps, interval


def main(sizes: list[int]) -> None:
    """Measure and print one JSON object a line."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        print(
            json.dumps(dict(zip(("blank_fps", "blank_interval_p95_ms"), idle(page), strict=True)))
        )
        for size in sizes:
            for result in measure(page, size, Path(folder)):
                print(json.dumps(asdict(result)), flush=True)
        browser.close()


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
