"""Hover, choose, measure, fold: what one does to read the lanes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fastapi_tasks.timeline import Busy, Timeline
from tests.samples import MS, WALL, checkout, late, random_timelines

from .screen import Screen

Show = Callable[..., Screen]


MAIL = (
    "send_mail was held back 1.4 ms by its mode, waited 100 µs, then ran 29.3 ms on the event "
    "loop. "
    "It started 100 µs after the response was sent."
)


def place(screen: Screen, words: str) -> tuple[float, float]:
    """Where words stand in the window."""
    found = next(label for label in screen.labels() if label.words == words)
    stage = screen.page.locator(".stage").bounding_box()
    return stage["x"] + found.x + 4, stage["y"] + found.y + 6


# Details -----------------------------------------------------------------------------------------


def test_hover_tells_a_sentence(show: Show) -> None:
    screen = show(checkout())
    assert not screen.visible("[data-part=tip]")
    screen.page.mouse.move(*screen.find("send_mail").center)
    screen.settle()
    assert screen.text("tip") == MAIL
    screen.page.mouse.move(*screen.find("send_mail", "held").center)
    screen.settle()
    assert screen.text("tip") == (
        "send_mail held the event loop for 22 ms: nothing else on it could run."
    )
    screen.page.mouse.move(640, 790)
    screen.settle()
    assert not screen.visible("[data-part=tip]")


def test_the_tip_of_what_a_filter_hides_goes_too(show: Show) -> None:
    screen = show(checkout())
    screen.page.mouse.move(*screen.find("send_mail").center)
    screen.settle()
    assert screen.visible("[data-part=tip]")
    screen.search("audit")
    assert not screen.visible("[data-part=tip]")


def test_details_keep_wait_and_run_apart(show: Show) -> None:
    screen = show(checkout())
    screen.page.mouse.click(*screen.find("notify_shipping").center)
    screen.settle()
    assert screen.sentence() == (
        "notify_shipping was held back 1.1 ms by its mode, waited 200 µs, then ran 7.2 ms on the "
        "event loop and raised ConnectionError. It started 200 µs after the response was sent."
    )
    assert screen.facts() == {
        "Mode": "after_response", "Outcome": "error", "Error": "ConnectionError",
        "Held back": "1.1 ms, as its mode asks", "Wait": "200 µs", "Run": "7.2 ms",
        "Where": "on the event loop", "Scheduled by": "the request",
        "Request": "POST /checkout #1",
    }  # fmt: skip
    screen.press("Escape")
    assert not screen.visible(".details")


def test_no_two_moments_read_the_same(show: Show) -> None:
    timeline = checkout()
    task = timeline.tasks[2]
    task.requested, task.released, task.started = 299_000_000, 299_000_001, 299_000_002
    screen = show(timeline)
    screen.state("v.app.pin(v.app.find('tasks/0/7/1/2') ?? { type: 'tasks', of: 0, index: 2 })")
    screen.settle()
    cells = screen.page.locator(".moments td:nth-child(2)").all_inner_texts()
    assert len(set(cells)) == 4
    assert cells[:2] == ["299.000000 ms", "299.000001 ms"]
    clock = screen.page.locator(".moments td:nth-child(3)").first.inner_text()
    assert len(clock) == len("16:00:00.299")


def test_details_say_where_a_task_stands_among_its_kind(show: Show) -> None:
    screen = show([checkout(number, number * 100 * MS) for number in range(1, 21)])
    timelines = [checkout(number, number * 100 * MS) for number in range(1, 21)]
    for number, timeline in enumerate(timelines):
        timeline.tasks[2].finished = timeline.request_start + (40 + number) * MS
    screen = show(timelines)
    screen.state(
        "v.app.pin(v.app.find(v.app.identify({ type: 'tasks', of: 0, index: 19 * 6 + 2 })))"
    )
    screen.settle()
    assert screen.facts()["Run"].endswith("the slowest of 20 send_mail")
    assert screen.facts()["Wait"].endswith("like each of 20 send_mail")
    screen.state(
        "v.app.pin(v.app.find(v.app.identify({ type: 'tasks', of: 0, index: 18 * 6 + 2 })))"
    )
    screen.settle()
    assert screen.facts()["Run"].endswith("slower than 95\u00a0% of 20 send_mail")


def test_what_starts_as_the_response_is_sent_is_said_to(show: Show) -> None:
    screen = show(late())
    screen.press("n")
    assert screen.sentence().endswith("It started when the response was sent.")


def test_moments_that_nobody_took_note_of_are_not_said_to_have_never_come(show: Show) -> None:
    screen = show([late(), replace(checkout(3, 50 * MS), response_sent=None, tasks=[])])
    screen.state("v.app.pin({ type: 'requests', of: 0, index: 0 })")
    screen.settle()
    rows = screen.page.locator(".moments th")
    assert rows.all_inner_texts() == ["response start", "response sent", "request end"]
    screen.state("v.app.pin({ type: 'requests', of: 0, index: 1 })")
    screen.settle()
    assert rows.all_inner_texts()[:2] == ["endpoint start", "endpoint end"]


def test_what_held_the_loop_leads_to_its_task(show: Show) -> None:
    screen = show([checkout(1), late()])
    screen.page.mouse.click(*screen.find("send_mail", "held").center)
    screen.settle()
    leads = screen.page.locator(".details li button")
    assert leads.first.inner_text() == "send_mail of POST /checkout #1"
    leads.first.click()
    screen.settle()
    assert screen.sentence().startswith("send_mail was held back")


def test_bars_of_which_none_has_room_for_its_name_are_too_many(show: Show) -> None:
    ticks = [
        Timeline(
            id=n, kind="http", method="GET", path="/tick", wall=WALL + n * 100 * MS,
            request_start=n * 100 * MS, response_sent=n * 100 * MS + 1000, status=200,
            request_end=n * 100 * MS + 1000,
        )
        for n in range(1, 80)
    ]  # fmt: skip
    screen = show(ticks)
    screen.show("lanes")
    assert not any("/tick" in text for text in screen.texts())
    assert screen.text("hint").startswith("Too many to be named at once: zoom in")
    screen.search("nothing of the kind")
    assert screen.text("hint").startswith("Ctrl and wheel: zoom")


def test_a_victim_leads_to_its_culprit_and_back(show: Show) -> None:
    screen = show([checkout(1), late()])
    screen.page.mouse.click(*screen.find("late_one").center)
    screen.settle()
    assert screen.state("v.lanes.links.length") == 1
    culprit = screen.page.locator(".details h2:text-is('Held up by') + ul button")
    assert "send_mail held the loop" in culprit.inner_text()
    culprit.click()
    screen.settle()
    assert screen.sentence().startswith("send_mail held the event loop")
    victim = screen.page.locator(".details h2:text-is('Held up') + ul button", has_text="late_one")
    victim.click()
    screen.settle()
    assert screen.sentence().startswith("late_one ")


def test_the_keyboard_reaches_every_task_and_zooms(show: Show) -> None:
    screen = show(checkout())
    names = []
    for _ in range(6):
        screen.press("n")
        names.append(screen.sentence().split()[0])
    assert sorted(names) == sorted(screen.tasks())
    screen.press("p", "p")
    screen.press("Enter")
    begin, end = screen.state("v.lanes.extent(v.app.pinned)")
    assert screen.view.begin <= begin < end <= screen.view.end
    assert screen.view.span < 2 * (end - begin)


def test_the_keyboard_reaches_every_other_bar_and_every_failure(show: Show) -> None:
    screen = show(checkout())
    told = []
    for _ in range(4):
        screen.press("Shift+N")
        told.append(screen.sentence())
    assert told[0] == "send_mail held the event loop for 22 ms: nothing else on it could run."
    assert told[1] == "The client had its answer after 14.2 ms."
    assert told[2].startswith("POST /checkout #1: response sent after 12.6 ms")
    screen.press("Shift+P")
    assert screen.sentence() == told[2]
    screen.press("Escape", "e")
    assert screen.sentence().startswith("notify_shipping ")


def test_the_line_that_held_the_loop_is_told(show: Show) -> None:
    timeline = checkout()
    timeline.busy[0].line = "shop/mail.py:42 in render"
    screen = show(timeline)
    screen.page.mouse.click(*screen.find("send_mail", "held").center)
    screen.settle()
    assert screen.sentence() == (
        "send_mail held the event loop for 22 ms at shop/mail.py:42 in render: "
        "nothing else on it could run."
    )
    screen.page.mouse.click(*screen.find("send_mail").center)
    screen.settle()
    assert screen.facts()["Held the loop"] == "22 ms at shop/mail.py:42 in render"


# Measuring ---------------------------------------------------------------------------------------


def test_shift_and_drag_measures_with_totals(show: Show) -> None:
    screen = show(checkout())
    view, width = screen.view, screen.state("v.width")
    screen.drag((300, 700), (700, 700), held="Shift")
    begin, end = screen.measured or (0, 0)
    assert (begin, end) == pytest.approx(
        (view.begin + view.span * 300 / width, view.begin + view.span * 700 / width)
    )
    assert screen.view == view
    assert any("tasks began" in text for text in screen.texts())
    assert any(text.startswith("loop held ") for text in screen.texts())
    screen.press("Escape")
    assert screen.measured is None


def test_after_one_measurement_a_drag_moves_again(show: Show) -> None:
    screen = show(checkout())
    screen.click("button:text-is('Measure')")
    screen.drag((300, 700), (500, 700))
    begin, end = screen.measured or (0, 0)
    assert end - begin == pytest.approx(screen.view.span * 200 / screen.state("v.width"))
    before = screen.view
    screen.drag((500, 700), (400, 700))
    assert screen.measured == [begin, end]
    assert screen.view.begin > before.begin


def test_the_keyboard_measures(show: Show) -> None:
    screen = show(checkout())
    screen.press("n", "n", "n", "m")
    assert screen.measured == [11.2 * MS, 42 * MS]
    screen.press("Shift+ArrowRight", "Shift+ArrowLeft", "Shift+ArrowLeft")
    begin, end = screen.measured or (0, 0)
    assert begin == 11.2 * MS
    assert end == pytest.approx(42 * MS - screen.view.span / 100)
    screen.press("m")
    assert screen.measured is None


# Folding and help --------------------------------------------------------------------------------


def test_the_sign_folds_and_keys_do(show: Show) -> None:
    screen = show([checkout(1), checkout(2, 50 * MS)])
    tall = screen.state("v.scene.height")
    screen.page.mouse.click(*place(screen, "▾"))
    screen.settle()
    assert screen.state("v.scene.height") < tall - 80
    assert screen.texts().count("▸") == 1
    assert screen.state("v.pinned") is None
    screen.page.mouse.click(*place(screen, "▸"))
    screen.settle()
    screen.press("n", "c")
    assert screen.texts().count("▸") == 1
    screen.press("c", "Shift+C")
    assert screen.texts().count("▸") == 2
    screen.press("Shift+C")
    screen.page.mouse.click(*place(screen, "POST /checkout #1"))
    screen.settle()
    assert screen.sentence().startswith("POST /checkout #1: response sent after")


def test_help_names_every_key(show: Show) -> None:
    screen = show(checkout())
    screen.press("?")
    assert screen.visible("dialog")
    help_text = screen.page.locator("dialog").inner_text()
    for word in ("Zoom", "Move in time", "Measure", "Fold", "Filter", "table", "endpoint end"):
        assert word in help_text
    screen.page.keyboard.press("Escape")
    assert not screen.visible("dialog")


def test_the_theme_follows_the_system_and_the_switch(show: Show) -> None:
    background = "getComputedStyle(v.app.host).backgroundColor"
    dark = show(checkout(), color_scheme="dark")
    assert dark.state(background) == "rgb(20, 24, 31)"
    dark.click("button[data-action=theme]")
    assert dark.state(background) == "rgb(255, 255, 255)"


def test_a_view_is_kept_in_the_address(show: Show, new_screen: Callable[..., Screen]) -> None:
    screen = show(random_timelines(60, 5))
    screen.show("lanes")
    screen.search("task_2 wait>1ms")
    screen.click("[data-key=immediate] .chip")
    screen.press("n", "Enter")
    screen.page.wait_for_function("() => location.hash.includes('pin=')")
    screen.page.wait_for_timeout(400)
    other = new_screen()
    other.open(screen.page.url)
    assert other.sentence() == screen.sentence()
    assert other.tasks() == screen.tasks()
    assert other.view[:2] == pytest.approx(screen.view[:2], abs=2)


def test_a_busy_segment_without_its_culprit_is_told(show: Show) -> None:
    timeline = checkout()
    timeline.busy = [
        Busy(round(begin * MS), round(end * MS), name)
        for begin, end, name in [(20, 38, "last"), (2, 6, "first"), (7, 9, "between")]
    ]
    screen = show(timeline)
    for culprit in ("first", "between", "last"):
        assert screen.find(culprit, "held").end > 0


@pytest.mark.parametrize(("width", "height"), [(400, 800), (1280, 700), (1280, 500)])
@pytest.mark.parametrize("panel", ["lanes", "summary"])
def test_all_findings_can_be_had_on_small_screens(
    show: Show, panel: str, width: int, height: int
) -> None:
    timeline = checkout()
    timeline.tasks[0] = replace(timeline.tasks[0], outcome="error", error="ValueError")
    screen = show(timeline, width=width, height=height)
    screen.show(panel)
    found = screen.page.locator(".why li")
    assert found.count() == 2
    if not found.nth(1).is_visible():
        screen.click(".why .more")
    assert found.nth(1).is_visible()
    assert screen.visible(".why .more") == (width == 400 or height == 500 or panel == "lanes")


def test_lanes_without_names_say_how_to_get_them(show: Show) -> None:
    screen = show(random_timelines(400, 5))
    screen.show("lanes")
    assert screen.text("hint").startswith("Too many to be named at once: zoom in")
    screen.press("n", "Enter")
    assert screen.text("hint").startswith("Ctrl and wheel: zoom")
