"""The notebooks on paper and on a projector, as `notebooks/handouts.py` makes them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from notebooks.execute import notebooks, read
from notebooks.handouts import page
from tests.npm import from_npm
from tests.slides import slides

from .screen import Screen

pytestmark = pytest.mark.slow

PRINTED = ("00", "05", "13", "27", "30")
SCREEN = (1280, 720)
ROOM = 0.95 * SCREEN[1]
"""Pixels of a slide: nbconvert lets a higher one scroll, where it is asked to."""

HEIGHTS = """() => {
    const slides = [...document.querySelectorAll('.slides section')];
    for (const slide of slides) { // those far from the first one are not laid out
        slide.removeAttribute('hidden');
        slide.style.display = 'block';
    }
    return slides
        .filter((slide) => !slide.querySelector('section'))
        .map((slide) => {
            const cells = [...slide.querySelectorAll('[id^=cell-id]')];
            return [cells.map(({ id }) => id.slice(8)).join(' '), slide.scrollHeight];
        });
}"""
WIDE = """() => [...document.querySelectorAll('pre, img, table')]
    .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth)
    .map(({ outerHTML }) => outerHTML.slice(0, 80))"""


def opened(screen: Screen, body: str, file: Path) -> Any:
    """The page with this content, without a network."""
    file.write_text(body, encoding="utf-8")
    screen.context.set_offline(True)
    screen.page.goto(file.as_uri(), wait_until="load")
    return screen.page


@pytest.mark.parametrize("path", notebooks(PRINTED), ids=lambda path: path.stem)
def test_prints_with_all_pictures_nothing_cut_off_and_no_empty_page(
    path: Path, new_screen: Callable[..., Screen], tmp_path: Path
) -> None:
    paper = opened(new_screen(width=700, ours=False), page(path), tmp_path / "page.html")
    paper.emulate_media(media="print")
    assert paper.locator("iframe").count() == 0
    assert paper.evaluate(WIDE) == []
    alts = [img.get_attribute("alt") for img in paper.locator("img").all()]
    shown = [out for cell in read(path).cells for out in cell.get("outputs", [])]
    pictures = [out for out in shown if "image/png" in out.get("data", {})]
    assert alts == [out.metadata["image/png"]["alt"] for out in pictures]
    assert all(img.evaluate("(img) => img.naturalWidth") for img in paper.locator("img").all())
    made = tmp_path / "page.pdf"
    paper.pdf(path=made)
    different = {out.data["image/png"] for out in pictures}
    assert made.read_bytes().count(b"/Subtype /Image") >= len(different)
    assert empty_pages(made) == []


def empty_pages(made: Path) -> list[int]:
    """The numbers of the pages without a word, counted by poppler where it is installed."""
    if shutil.which("pdftotext") is None:
        return []
    run = subprocess.run(["pdftotext", made, "-"], capture_output=True, check=True)
    pages = run.stdout.decode().split("\f")[:-1]
    return [number for number, text in enumerate(pages, 1) if not text.strip()]


def test_answers_are_unfolded_for_those_who_ask(tmp_path: Path) -> None:
    [path] = notebooks(["00"])
    assert "<details open" in page(path, answers=True)
    assert "<details open" not in page(path)


@pytest.fixture(scope="module")
def projector() -> dict[str, str]:
    """Where nbconvert finds what it otherwise fetches from the internet."""
    reveal = from_npm("reveal.js/dist/reveal.js").parent.parent
    return {
        "reveal_url_prefix": reveal.as_uri(),
        "require_js_url": from_npm("requirejs/require.js").as_uri(),
        "jquery_url": from_npm("jquery/dist/jquery.min.js").as_uri(),
    }


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_no_slide_is_higher_than_the_screen(
    path: Path, new_screen: Callable[..., Screen], tmp_path: Path, projector: dict[str, str]
) -> None:
    screen = new_screen(width=SCREEN[0], height=SCREEN[1], ours=False)
    deck = opened(screen, page(path, slides=True, **projector), tmp_path / "slides.html")
    deck.wait_for_selector(".reveal.ready")
    heights = deck.evaluate(HEIGHTS)
    assert len(heights) == len(slides(read(path).cells))
    assert min(height for _, height in heights) > 50
    assert [(cells, height) for cells, height in heights if height > ROOM] == []
