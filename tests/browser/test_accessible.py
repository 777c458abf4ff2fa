"""Everyone can read it: axe-core finds nothing, forced colours, controls of a size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fastapi_tasks.recording import to_json
from tests.npm import from_npm
from tests.samples import MS, checkout, random_timelines, watched

from .screen import Screen
from .source import NOW, Source

Show = Callable[..., Screen]

RUN = """async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    const short = ({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`;
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(short)}`);
}"""
LEAST = 24
LOOKS: list[dict[str, Any]] = [
    {"color_scheme": "light"},
    {"color_scheme": "dark"},
    {"color_scheme": "light", "forced_colors": "active"},
    {"color_scheme": "dark", "forced_colors": "active"},
]


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core."""
    return from_npm("axe-core/axe.min.js").read_text("utf-8")


def violations(screen: Screen, panels: list[str]) -> list[str]:
    """What axe-core finds in each of the views, with something chosen, and in the help."""
    found = []
    for panel in panels:
        screen.show(panel)
        if panel == "lanes":
            screen.press("n")
        found += [f"{panel}: {one}" for one in screen.page.evaluate(RUN)]
    screen.press("?")
    found += [f"help: {one}" for one in screen.page.evaluate(RUN)]
    screen.page.keyboard.press("Escape")
    return found


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(look.values()))
def test_axe_finds_nothing_in_the_file(
    show: Show, axe: str, look: dict[str, Any], width: int
) -> None:
    recordings = {"before": random_timelines(60, 3), "after": [checkout(), watched(2, 50 * MS)]}
    screen = show(recordings["after"], bypass_csp=True, width=width, **look)
    screen.page.evaluate(f"() => {{ {axe}\n }}")
    assert violations(screen, ["lanes", "summary", "table"]) == []
    screen = show(recordings, bypass_csp=True, width=width, **look)
    screen.page.evaluate(f"() => {{ {axe}\n }}")
    assert violations(screen, ["compare", "lanes", "summary"]) == []


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(look.values()))
def test_axe_finds_nothing_in_the_live_page(
    new_screen: Callable[..., Screen], source: Source, axe: str, look: dict[str, Any], width: int
) -> None:
    screen = new_screen(bypass_csp=True, width=width, **look)
    screen.open(source.url)
    screen.page.evaluate(f"() => {{ {axe}\n }}")
    assert screen.page.evaluate(RUN) == []  # nothing is told yet
    source.send(to_json(checkout()).strip())
    source.send(NOW, event="counters")
    screen.page.locator(".counters").wait_for()
    screen.settle()
    assert violations(screen, ["lanes", "summary", "table"]) == []
    source.send(str(checkout().process), event="stopping")
    screen.page.locator(".gone").wait_for()
    assert screen.page.evaluate(RUN) == []
    screen.page.goto("about:blank")


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
