"""The viewer's frames in headless Chromium, software raster, while it pans and zooms."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.browser import SECONDS, chromium
from tests.benchmarks.environments import UnavailableError
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject

SIZES = (10_000, 100_000, 1_000_000)
KINDS = ("pan", "zoom")
QUANTITIES = ("fps", "late, %", "p95, ms", "worst, ms")
COLUMNS = [
    *(f"{kind} {one}" for kind in KINDS for one in QUANTITIES),
    "first picture, s",
    "key, ms",
]

UNIT = (
    "1280 × 800, every bar in view at first; p95 and worst: the page's work for one frame; "
    "key: from a letter in the filter to the picture of what it leaves, the slowest of six"
)


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Measure every size in one browser; a quick run leaves it out."""
    subject = Subject(UNIT, COLUMNS)
    if quick:
        subject.notes.append("left out of the quick run")
        return subject
    try:
        with chromium() as browser, tempfile.TemporaryDirectory() as folder:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(SECONDS * 1000)
            subject.notes.append(_idle(page))
            for size in SIZES:
                progress.step(f"{size:,} tasks")
                _enter(subject, page, size, Path(folder))
    except UnavailableError as error:
        subject.notes.append(str(error))
    return subject


def _idle(page: object) -> str:
    from tests.benchmarks.viewer_frames import idle

    fps, interval = idle(page)  # type: ignore[arg-type]
    return f"a page that draws nothing: {fps} fps, p95 of the intervals {interval} ms"


def _enter(subject: Subject, page: object, size: int, folder: Path) -> None:
    from tests.benchmarks.viewer_frames import measure as frames_of

    row = subject.rows[f"{size:,} tasks"] = {}
    for frames in frames_of(page, size, folder):  # type: ignore[arg-type]
        row[f"{frames.kind} fps"] = frames.fps
        row[f"{frames.kind} late, %"] = frames.late_percent
        row[f"{frames.kind} p95, ms"] = frames.work_p95_ms
        row[f"{frames.kind} worst, ms"] = frames.work_max_ms
        row["first picture, s"] = frames.first_picture_s
        row["key, ms"] = frames.key_ms
