"""What one does to a page that nobody meant to be done: it stays whole, and says what is so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.samples import MS, checkout, random_timelines, watched

from .screen import Screen

Show = Callable[..., Screen]

APART = """v.scene.rows.every(({ from, to }) => {
    for (let i = from + 1; i < to; i++) if (v.scene.begins[i] < v.scene.ends[i - 1]) return false;
    return true;
})"""
"""Whether no two bars share a place."""


@pytest.mark.parametrize("align", ["clock", "request_start", "response_sent"])
@pytest.mark.parametrize("by", ["request", "route", "task", "thread"])
def test_bars_stay_apart_however_times_are_counted_and_rows_are_grouped(
    show: Show, align: str, by: str
) -> None:
    screen = show([watched(number, number * 50 * MS) for number in range(1, 6)])
    for part, option in (("align", align), ("group", by)):
        screen.page.locator(f"[data-part={part}]").select_option(option)
    screen.settle()
    assert screen.state(APART)
    labels = screen.labels()
    assert [(a, b) for i, a in enumerate(labels) for b in labels[i + 1 :] if a.overlaps(b)] == []


def test_each_column_of_each_table_sorts_in_a_comparison_too(show: Show) -> None:
    screen = show({"before": random_timelines(5, 3), "after": random_timelines(5, 3, seed=1)})
    screen.show("table")
    for kind in ("Tasks", "Requests"):
        screen.page.get_by_role("button", name=kind, exact=True).click()
        heads = screen.page.locator(".panel-table thead th")
        for number in range(heads.count()):
            heads.nth(number).locator("button").click()
            assert heads.nth(number).get_attribute("aria-sort") != "none"
    heads.nth(1).locator("button").click()
    runs = screen.page.locator(".panel-table tbody td:nth-child(2)").all_inner_texts()
    assert runs == ["before"] * 5 + ["after"] * 5


def test_failed_requests_are_reached_by_key(show: Show) -> None:
    many = random_timelines(60, 2)
    for timeline in many:
        for task in timeline.tasks:
            task.outcome = "ok"
    many[20].status = many[40].status = 500
    screen = show(many)
    screen.show("lanes")
    found = []
    for key in ("e", "e", "Shift+E"):
        screen.press(key)
        found.append(screen.state("v.pinned.type + ' ' + v.pinned.index"))
    assert found == ["requests 20", "requests 40", "requests 20"]


@pytest.mark.parametrize(
    "fragment",
    [
        "at=1e99~2e99", "at=-5~NaN", "at=7~7", "pin=tasks/9/9/9/9", "pin=zzz",
        "pin=constructor/0/0", "pin=held/0/1/5", "rows=__proto__", "time=toString",
        "view=__proto__", "view=compare",
        "filter=%22", "filter=run%3E", "hide=ok,error,zzz", "%E0%A4%A", "=&&==~",
    ],
)  # fmt: skip
def test_an_address_that_somebody_made_up_opens_the_page(
    show: Show, new_screen: Callable[..., Screen], fragment: str
) -> None:
    url = show(checkout()).page.url.split("#")[0]
    screen = new_screen()
    screen.open(f"{url}#{fragment}")
    screen.press("0")
    assert "POST /checkout #1" in screen.texts()
    assert screen.view[:2] == pytest.approx([-1.4 * MS, 42.9 * MS], rel=0.6)


def test_a_clock_of_ten_thousand_years_can_be_zoomed_to_its_end(show: Show) -> None:
    timeline = checkout()
    timeline.tasks[0].finished = 4 * 10**18
    screen = show(timeline)
    screen.press("n", "End", *["w"] * 130)
    assert screen.view.end > screen.view.begin
    screen.press("s", "0")
    assert "POST /checkout #1" in screen.texts()


def test_a_path_that_is_read_from_the_right_keeps_its_number_at_its_end(show: Show) -> None:
    timeline = checkout()
    timeline.path = "/שלום/עולם"
    shown = "POST /\u2068שלום/עולם\u2069 #1"
    screen = show(timeline)
    assert shown in screen.texts()
    screen.press("n")
    assert screen.facts()["Request"] == shown
    screen.show("table")
    assert screen.page.locator(".panel-table td:last-child").first.inner_text() == shown


def test_the_lane_of_the_loop_says_what_it_is_in_a_crowd(show: Show) -> None:
    screen = show([checkout(number, number * 60 * MS) for number in range(300)])
    screen.show("lanes")
    assert "event loop" in screen.texts()
