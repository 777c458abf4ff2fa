"""Everyone can read it: axe-core finds nothing, forced colours, controls of a size."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.samples import checkout, random_timelines

from .screen import Screen

Show = Callable[..., Screen]

RUN = """async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    const short = ({ html }) => html.slice(0, 160);
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(short)}`);
}"""
LEAST = 24


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core, an npm package: where AXE says, or beside the global ones."""
    places = [Path(os.environ.get("AXE", "/nonexistent"))]
    npm = shutil.which("npm")
    if npm is not None:
        found = subprocess.run(
            [npm, "root", "--global"], capture_output=True, text=True, check=False
        )
        places.append(Path(found.stdout.strip()) / "axe-core" / "axe.min.js")
    for place in places:
        if place.is_file():
            return place.read_text("utf-8")
    pytest.skip("axe-core is not installed: npm install --global axe-core")


@pytest.mark.parametrize("kind", [{}, {"color_scheme": "dark"}, {"forced_colors": "active"}])
@pytest.mark.parametrize("panel", ["lanes", "summary", "table", "compare"])
def test_axe_finds_nothing(show: Show, axe: str, panel: str, kind: dict[str, Any]) -> None:
    recordings = {"before": random_timelines(9, 3), "after": [checkout()]}
    screen = show(
        recordings if panel == "compare" else recordings["after"], bypass_csp=True, **kind
    )
    screen.show(panel)
    if panel == "lanes":
        screen.press("n")
    screen.page.evaluate(f"() => {{ {axe}\n }}")
    assert screen.page.evaluate(RUN) == []


@pytest.mark.parametrize("width", [400, 1280])
def test_controls_are_large_enough_to_hit(show: Show, width: int) -> None:
    screen = show(random_timelines(60, 3), width=width)
    for panel in ("lanes", "summary", "table"):
        screen.show(panel)
        small = screen.page.evaluate(
            """(least) => [...document.querySelectorAll("button, select, summary, [type=search]")]
                .filter((one) => one.checkVisibility({ opacityProperty: true }))
                .filter((one) => one.getBoundingClientRect().height < least)
                .map((one) => one.outerHTML)""",
            LEAST,
        )
        assert small == [], panel


def test_forced_colours_leave_bars_and_chips_to_be_seen(show: Show) -> None:
    screen = show(checkout(), forced_colors="active")
    assert "send_mail  29.3 ms" in screen.texts()
    fills = screen.state(
        "['paper', 'text', 'run immediate', 'busy'].map((name) => v.lanes.looks[name].fill)"
    )
    assert len(set(fills)) == 4
    swatch = screen.page.locator(".swatch.immediate").first
    assert swatch.evaluate("(one) => getComputedStyle(one).backgroundImage") != "none"


def test_the_main_landmark_holds_it_all(show: Show) -> None:
    screen = show(checkout())
    assert screen.page.locator("main").count() == 1
    assert screen.page.locator("main header, main .stage").count() == 2


def test_a_name_that_is_read_from_the_right_is_isolated_in_tables(show: Show) -> None:
    timeline = checkout()
    timeline.tasks[0].name = "שלום"
    screen = show(timeline)
    screen.show("table")
    cell = screen.page.locator(".panel-table tbody bdi", has_text="שלום")
    assert cell.evaluate("(one) => getComputedStyle(one).unicodeBidi") == "isolate"
