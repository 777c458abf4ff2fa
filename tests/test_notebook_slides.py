"""As slides, each notebook can be projected: nothing is cut off, and no guess is given away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from notebooks.execute import notebooks, read

from .slides import ROOM, height, slides

a_notebook = pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem) for path in notebooks()]
)


@a_notebook
def test_what_is_on_a_slide_fits(path: Path) -> None:
    tall = [slide for slide in slides(read(path).cells) if sum(map(height, slide)) > ROOM]
    assert [slide[0].id for slide in tall] == []


@a_notebook
def test_a_heading_begins_a_slide(path: Path) -> None:
    firsts = [slide[0].id for slide in slides(read(path).cells)]
    headed = [cell.id for cell in read(path).cells if heads(cell)]
    assert [cell for cell in headed if cell not in firsts] == []


def heads(cell: Any) -> bool:
    return cell.cell_type == "markdown" and "\n## " in f"\n{cell.source}"


@a_notebook
def test_what_is_measured_is_not_on_the_slide_of_the_guess(path: Path) -> None:
    for slide in slides(read(path).cells):
        guesses = [n for n, cell in enumerate(slide) if "guess" in cell.metadata.get("tags", [])]
        if guesses:
            after = slide[guesses[0] + 1 :]
            assert [cell.id for cell in after if cell.get("outputs")] == []
