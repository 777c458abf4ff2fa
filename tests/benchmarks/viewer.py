"""The viewer's frames in headless Chromium, software raster, while it pans and zooms."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.browser import SECONDS, chromium
from tests.benchmarks.environments import UnavailableError
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject

SIZES = (10_000, 100_000, 1_000_000)
COLUMNS = ["pan fps", "pan p95, ms", "zoom fps", "zoom p95, ms", "first picture, s"]

UNIT = "1280 × 800, every bar in view at first"


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
            for size in SIZES:
                progress.step(f"{size:,} tasks")
                _enter(subject, page, size, Path(folder))
    except UnavailableError as error:
        subject.notes.append(str(error))
    return subject


def _enter(subject: Subject, page: object, size: int, folder: Path) -> None:
    from tests.benchmarks.viewer_frames import measure as frames_of

    row = subject.rows[f"{size:,} tasks"] = {}
    for frames in frames_of(page, size, folder):  # type: ignore[arg-type]
        row[f"{frames.kind} fps"] = frames.fps
        row[f"{frames.kind} p95, ms"] = frames.p95_ms
        row["first picture, s"] = frames.first_picture_s
