"""Frames per second of the viewer in headless Chromium, while it pans and zooms.

Run `python -m tests.benchmarks.viewer_frames [TASKS …]`; without numbers it measures 10,000,
100,000 and 1,000,000 tasks. Needs Debian's chromium and the PyPI package playwright.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.samples import random_timelines
from visualize.page import to_html

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
TASKS_PER_REQUEST = 100

DRIVE = """async ({ kind, frames }) => {
    const v = document.querySelector("#timeline").viewer.state;
    const stage = v.part.stage;
    const frame = () => new Promise(requestAnimationFrame);
    const place = { clientX: 640, clientY: 400, bubbles: true, cancelable: true };
    const wheel = (more) => stage.dispatchEvent(new WheelEvent("wheel", { ...place, ...more }));
    const times = [];
    let last = await frame();
    for (let i = 0; i < frames; i++) {
        if (kind === "pan") wheel({ deltaX: i % 60 < 30 ? 25 : -25 });
        else wheel({ deltaY: i % 60 < 30 ? -40 : 40 });
        const now = await frame();
        times.push(now - last);
        last = now;
    }
    return times.sort((a, b) => a - b);
}"""


@dataclass
class Frames:
    """How one way of moving went: milliseconds a frame, and frames per second."""

    tasks: int
    kind: str
    fps: float
    p95_ms: float
    megabytes: float
    first_picture_s: float


def measure(page: Page, tasks: int, folder: Path, frames: int = 180) -> list[Frames]:
    """Open `tasks` tasks and measure panning and zooming, with every bar in view at first."""
    document = to_html(random_timelines(tasks // TASKS_PER_REQUEST, TASKS_PER_REQUEST))
    file = folder / f"{tasks}.html"
    file.write_text(document)
    began = time.perf_counter()
    page.goto(file.as_uri())
    page.evaluate("async () => { await document.querySelector('#timeline').viewer.ready }")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    first = time.perf_counter() - began
    results = []
    for kind in ("pan", "zoom"):
        times = page.evaluate(DRIVE, {"kind": kind, "frames": frames})
        fps = 1000 * len(times) / sum(times)
        p95 = times[int(len(times) * 0.95)]
        results.append(
            Frames(
                tasks,
                kind,
                round(fps, 1),
                round(p95, 1),
                round(len(document) / 1e6, 2),
                round(first, 2),
            )
        )
    return results


def main(sizes: list[int]) -> None:
    """Measure and print one JSON object a line."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        for size in sizes:
            for result in measure(page, size, Path(folder)):
                print(json.dumps(asdict(result)), flush=True)
        browser.close()


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
