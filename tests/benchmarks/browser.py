"""Headless Chromium, where it can be had."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.environments import UnavailableError, has
from tests.benchmarks.viewer_frames import CHROMIUM, FLAGS

SECONDS = 180

# The second idle moment after a frame: by then a page has drawn what its scripts put off.
IDLE = """async () => {
    for (let i = 0; i < 2; i++) {
        await new Promise(requestAnimationFrame);
        await new Promise(requestIdleCallback);
    }
}"""


@contextmanager
def chromium() -> Iterator[Any]:
    """Run a browser for as long as the block. Raises UnavailableError if there is none."""
    if not has("playwright"):
        raise UnavailableError("playwright is not installed: pip install playwright")
    if not Path(CHROMIUM).exists():
        raise UnavailableError(f"there is no {CHROMIUM}: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def first_picture(browser: Any, file: Path) -> float:
    """Return the seconds from opening a page until the browser has nothing left to do for it.

    Raises UnavailableError for a page that asks another host for a part of itself.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(SECONDS * 1000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    try:
        began = time.perf_counter()
        page.goto(file.as_uri())
        page.evaluate(IDLE)
        seconds = time.perf_counter() - began
    finally:
        page.close()
    if any(url.startswith("http") for url in asked):
        raise UnavailableError("its page loads scripts from other hosts, and is blank without them")
    return seconds
