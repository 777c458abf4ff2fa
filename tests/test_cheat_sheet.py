"""The cheat sheet: one page, on which no word stands on another, and that leaves no outcome out."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import get_args

import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from fastapi_tasks.timeline import Outcome
from notebooks import cheat_sheet
from notebooks.execute import FOLDER


@pytest.fixture(scope="module")
def written() -> dict[str, Bbox]:
    """Where each text stands on the page, in pixels."""
    canvas = FigureCanvasAgg(cheat_sheet.page())
    canvas.draw()
    texts = [text for text in canvas.figure.findobj(matplotlib.text.Text) if text.get_visible()]
    said = [text for text in texts if text.get_text().strip()]
    return {f"{n} {text.get_text()}": text.get_window_extent() for n, text in enumerate(said)}


def test_no_two_texts_overlap(written: dict[str, Bbox]) -> None:
    pairs = combinations(written.items(), 2)
    touching = [(a, b) for (a, one), (b, other) in pairs if shrunk(one).overlaps(shrunk(other))]
    assert touching == []


def shrunk(box: Bbox) -> Bbox:
    """Leave out the pixels that a box has around its letters."""
    return box.padded(-1.5)


def test_every_text_stays_on_the_page(written: dict[str, Bbox]) -> None:
    width, height = (inches * 100 for inches in cheat_sheet.A4)
    page = Bbox([[0, 0], [width, height]]).padded(-10)
    assert [words for words, box in written.items() if Bbox.intersection(box, page) is None] == []
    outside = [words for words, box in written.items() if box.x0 < 10 or box.x1 > width - 10]
    assert outside == []


def test_names_the_three_modes_four_moments_and_all_outcomes(written: dict[str, Bbox]) -> None:
    text = "\n".join(written)
    for mode in ("immediate", "after_route", "after_response"):
        assert f"released, {mode}" in text
    for moment in ("requested", "released", "started", "finished"):
        assert re.search(rf"^\d+ {moment}: ", text, re.MULTILINE)
    assert sorted(cheat_sheet.OUTCOMES) == sorted(get_args(Outcome))
    assert [n for n in "123" if not re.search(rf"^\d+ {n}\. ", text, re.MULTILINE)] == []


@pytest.mark.parametrize("name", ["cheat_sheet.svg", "cheat_sheet.pdf"])
def test_both_files_are_kept_beside_the_notebooks(name: str) -> None:
    assert (FOLDER / name).stat().st_size > 10_000
    assert name in Path(FOLDER / "README.md").read_text(encoding="utf-8")
