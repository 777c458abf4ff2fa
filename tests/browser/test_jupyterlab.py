"""The tutorial in a real JupyterLab and Notebook 7: all cells run, a slider moved."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error

from notebooks.execute import FOLDER

from .screen import SETTLED, Screen
from .test_jupyter import lab  # noqa: F401

pytestmark = pytest.mark.slow

IDLE = """(name) => {
    const widget = window.jupyterapp?.shell.currentWidget;
    return widget?.context?.path === name
        && widget.sessionContext.session?.kernel?.status === 'idle';
}"""
RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells"
WHOLE = """() => {
    const { content } = window.jupyterapp.shell.currentWidget;
    content.notebookConfig = { ...content.notebookConfig, windowingMode: 'none' };
}"""
LABELS = """() => document.querySelector('#timeline')?.viewer?.state.labels
    .map(({ words }) => words).join('\\n') ?? ''"""
LONGEST = 120_000


@pytest.fixture
def opened(
    request: pytest.FixtureRequest, new_screen: Callable[..., Screen]
) -> Callable[..., tuple[Any, list[Any]]]:
    """Open a copy of a notebook, run all of its cells, and return the page and the cells."""
    url, root = request.getfixturevalue("lab")

    def opened(name: str, place: str = "lab/tree") -> tuple[Any, list[Any]]:
        shutil.copy(FOLDER / name, root / name)
        page = new_screen(height=1000, ours=False).page
        page.set_default_timeout(LONGEST)
        # Without a reset, what was open before is opened again, and comes to the front.
        page.goto(url.format(name).replace("lab/tree", place) + "&reset")
        page.wait_for_function(IDLE, arg=name)
        # Otherwise cells that are scrolled out of sight are not in the document.
        page.evaluate(WHOLE)
        page.evaluate(RUN_ALL)
        return page, page.evaluate(CELLS)

    return opened


def outputs(cells: list[Any]) -> list[Any]:
    return [output for cell in cells for output in cell.get("outputs", [])]


def assert_all_ran(cells: list[Any]) -> None:
    counts = [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert [one for one in outputs(cells) if one["output_type"] == "error"] == []
    assert [one["text"] for one in outputs(cells) if one.get("name") == "stderr"] == []
    assert any("image/png" in one.get("data", {}) for one in outputs(cells))


@pytest.mark.parametrize(
    "name", ["00_the_surprise", "11_commits_and_closings", "26_why_was_it_late"]
)
def test_all_cells_run(name: str, opened: Callable[..., tuple[Any, list[Any]]]) -> None:
    _, cells = opened(f"{name}.ipynb")
    assert_all_ran(cells)


@pytest.mark.parametrize("name", ["01_reading_a_timeline"])
def test_all_cells_run_and_show_the_page_to_move_about_in(
    name: str, opened: Callable[..., tuple[Any, list[Any]]], tmp_path: Path
) -> None:
    page, cells = opened(f"{name}.ipynb")
    assert_all_ran(cells)
    frames = page.locator("iframe[title=Timeline]")
    assert frames.count() == 1
    frames.scroll_into_view_if_needed()
    frame = frames.element_handle().content_frame()
    frame.wait_for_function("() => document.querySelector('#timeline')?.viewer")
    frame.evaluate(SETTLED)
    assert (
        frame.evaluate("() => document.querySelector('#timeline').viewer.state.labels.length") > 3
    )
    page.screenshot(path=tmp_path / f"{name}.png")


def test_all_cells_run_in_notebook_7(opened: Callable[..., tuple[Any, list[Any]]]) -> None:
    page, cells = opened("05_three_modes.ipynb", "notebooks")
    assert_all_ran(cells)
    assert page.title().startswith("05_three_modes")


def test_a_slider_of_the_playground_sends_another_request(
    opened: Callable[..., tuple[Any, list[Any]]], tmp_path: Path
) -> None:
    page, cells = opened("29_playground.ipynb")
    assert_all_ran(cells)
    slider = page.locator(".widget-slider .noUi-handle").first
    slider.scroll_into_view_if_needed()
    page.screenshot(path=tmp_path / "before.png")
    readout = page.locator(".widget-slider .widget-readout").first
    assert readout.inner_text() == "20"
    slider.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    # Each step is a request, and each request a new frame.
    frame = page.locator(".widget-html iframe")
    for _ in range(100):
        shown = frame.element_handle().content_frame()
        # It may be taken away at any moment, for the next one.
        with suppress(Error):
            words = shown and shown.evaluate(LABELS)
            if words and re.search(r"endpoint\s+([6-9]\d|\d{3})", words):
                break
        page.wait_for_timeout(100)
    else:
        pytest.fail("the frame never showed the longer endpoint")
    assert readout.inner_text() == "60"
    page.screenshot(path=tmp_path / "after.png")
