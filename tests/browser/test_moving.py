"""Wheel, drag, pinch, keys, brush and scroll bar: what one does to look elsewhere or closer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.samples import MS, WALL, checkout, random_timelines

from .screen import Screen

Show = Callable[..., Screen]


def time_at(screen: Screen, x: float) -> float:
    view = screen.view
    return float(view.begin + view.span * x / screen.state("v.width"))


def pitch(screen: Screen) -> float:
    """How high the rows of tasks are, in pixels."""
    found: float = screen.state("v.lanes.rows.pitch")
    return found


def test_all_is_in_view_at_first(show: Show) -> None:
    view = show(checkout()).view
    assert view.begin < -0.8 * MS
    assert view.end > 42 * MS
    assert view.span < 50 * MS


def test_the_wheel_scrolls_the_rows(show: Show) -> None:
    screen = show(random_timelines(8, 6))
    before = screen.view
    screen.wheel(400, 600, 0, 120)
    now = screen.view
    assert (now.begin, now.end) == (before.begin, before.end)
    assert now.y == pytest.approx(before.y + 120, abs=1)


def test_the_wheel_scrolls_the_page_around_it_where_the_rows_cannot(
    show: Show, screen: Screen
) -> None:
    show(checkout())
    taken = screen.page.evaluate(
        "() => !document.querySelector('.stage').dispatchEvent("
        "new WheelEvent('wheel', { deltaY: 100, bubbles: true, cancelable: true }))"
    )
    assert taken is False


def test_control_and_wheel_zoom_at_the_pointer(show: Show) -> None:
    screen = show(checkout())
    before, under = screen.view, time_at(screen, 640)
    screen.wheel(640, 600, 0, -60, held="Control")
    assert screen.view.span < before.span / 1.3
    assert time_at(screen, 640) == pytest.approx(under, abs=1)
    screen.wheel(640, 600, 0, 60, held="Control")
    assert screen.view.span == pytest.approx(before.span)


def test_a_sideways_wheel_moves_and_so_does_shift(show: Show) -> None:
    screen = show(random_timelines(12, 6))
    before = screen.view
    screen.wheel(640, 600, 100, 0)
    moved = screen.view
    assert moved.begin > before.begin
    screen.wheel(640, 600, 0, 120, held="Shift")
    assert screen.view.begin > moved.begin


def fingers(screen: Screen) -> Callable[..., None]:
    touch = screen.context.new_cdp_session(screen.page)

    def put(kind: str, *places: tuple[int, int]) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return put


def test_two_fingers_zoom_at_the_one_that_rests(show: Show) -> None:
    screen = show(checkout(), has_touch=True)
    before, under = screen.view, time_at(screen, 600)
    put = fingers(screen)
    put("touchStart", (600, 600), (700, 600))
    for x in (720, 760, 800):
        put("touchMove", (600, 600), (x, 600))
    put("touchEnd")
    screen.settle()
    assert screen.view.span == pytest.approx(before.span / 2)
    assert time_at(screen, 600) == pytest.approx(under, abs=1)


def test_a_finger_drags_a_tap_chooses_and_a_tap_on_the_sign_folds(show: Show) -> None:
    screen = show([checkout(1), checkout(2, 50 * MS)], has_touch=True)
    before = screen.view
    put = fingers(screen)
    put("touchStart", (600, 700))
    for x in (560, 520, 480):
        put("touchMove", (x, 700))
    put("touchEnd")
    screen.settle()
    assert screen.view.begin > before.begin
    screen.page.touchscreen.tap(*screen.find("send_mail").center)
    screen.settle()
    assert screen.sentence().startswith("send_mail ")
    sign = next(label for label in screen.labels() if label.words == "▾")
    stage = screen.page.locator(".stage").bounding_box()
    screen.page.touchscreen.tap(stage["x"] + sign.x + 4, stage["y"] + sign.y + 6)
    screen.settle()
    assert "▸" in screen.texts()


def test_drag_moves_the_picture_with_the_pointer(show: Show) -> None:
    screen = show(checkout())
    before, under = screen.view, time_at(screen, 700)
    screen.drag((700, 600), (600, 600))
    assert time_at(screen, 600) == pytest.approx(under, abs=1)
    assert screen.view.span == pytest.approx(before.span)
    assert screen.state("v.pinned") is None


def test_the_picture_never_leaves_the_view(show: Show) -> None:
    screen = show(checkout())
    for _ in range(5):
        screen.drag((100, 600), (1200, 600))
    assert screen.view.end > 0
    screen.press("Home", "Home")
    assert screen.view.begin < screen.state("v.lanes.last")


@pytest.mark.parametrize(
    ("keys", "moved"),
    [
        (["ArrowRight"], "begin later"),
        (["d"], "begin later"),
        (["ArrowLeft"], "begin earlier"),
        (["a"], "begin earlier"),
        (["+"], "closer"),
        (["="], "closer"),
        (["w"], "closer"),
        (["-"], "wider"),
        (["s"], "wider"),
        (["End"], "begin later"),
        (["Home"], "begin earlier"),
        (["ArrowDown"], "lower"),
        (["PageDown"], "lower"),
        (["ArrowDown", "ArrowUp"], "nothing"),
        (["PageDown", "PageUp"], "nothing"),
        (["+", "+", "ArrowDown", "f"], "nothing"),
        (["+", "PageDown", "0"], "nothing"),
    ],
)
def test_keys_move(show: Show, keys: list[str], moved: str) -> None:
    screen = show(random_timelines(8, 6))
    before = screen.view
    screen.press(*keys)
    now = screen.view
    assert {
        "begin later": now.begin > before.begin,
        "begin earlier": now.begin < before.begin,
        "closer": now.span < before.span and now.begin > before.begin,
        "wider": now.span > before.span,
        "lower": now.y > before.y,
        "nothing": now == pytest.approx(before),
    }[moved]


def test_keys_need_no_click_first(show: Show) -> None:
    screen = show(checkout())
    screen.page.keyboard.press("n")
    screen.settle()
    assert screen.visible(".details")
    screen.page.keyboard.press("?")
    assert screen.visible("dialog")


@pytest.mark.parametrize("panel", ["summary", "table", "lanes"])
def test_enter_in_the_filter_goes_to_its_first_hit_and_escape_leaves_it(
    show: Show, panel: str
) -> None:
    screen = show(checkout())
    screen.show(panel)
    screen.page.keyboard.press("/")
    screen.page.keyboard.type("mail")
    screen.page.keyboard.press("Escape")
    screen.page.keyboard.press("1")
    screen.settle()
    assert screen.page.locator("[data-part=search]").input_value() == "mail"
    assert screen.state("v.app.panel") == "summary"
    screen.page.keyboard.press("/")
    screen.page.keyboard.press("Enter")
    screen.settle()
    assert screen.sentence().startswith("send_mail ")
    assert screen.state("v.app.panel") == "lanes"


def test_keys_scroll_what_is_read(show: Show) -> None:
    screen = show(random_timelines(60, 5))
    before = screen.view
    panel = screen.page.locator(".panel-summary")
    panel.focus()
    screen.page.keyboard.press("End")
    screen.page.wait_for_function("() => document.querySelector('.panel-summary').scrollTop > 0")
    assert screen.view == before


def test_buttons_fit_and_reset(show: Show) -> None:
    screen = show(checkout())
    before = screen.view
    screen.press("+", "+", "ArrowRight")
    screen.click("button:text-is('Fit')")
    assert screen.view == pytest.approx(before)
    screen.search("mail")
    screen.click("[data-key=after_response] .chip")
    screen.click("button:text-is('Reset')")
    assert len(screen.tasks()) == 6
    assert screen.view == pytest.approx(before)


def test_zoom_ends_at_a_few_nanoseconds_and_at_a_few_times_all(show: Show) -> None:
    screen = show(checkout())
    screen.press(*["+"] * 70)
    assert 1 <= screen.view.span <= 20
    screen.press(*["-"] * 100)
    assert screen.view.span < 300 * MS


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (100, "ns"), (50_000, "µs"), (40 * MS, "ms"), (20_000 * MS, "s"), (2_000_000 * MS, "min"),
        (40_000_000 * MS, "h"),
    ],
)  # fmt: skip
def test_the_ruler_tells_its_unit(show: Show, span: int, expected: str) -> None:
    screen = show(checkout())
    screen.state(f"(v.view.begin = 0, v.view.end = {span})")
    screen.press("ArrowDown")
    ticks = [label.words for label in screen.labels() if label.y < 10]
    assert len(ticks) >= 2
    assert ticks[0] == "0" or ticks[0].endswith(expected)
    assert all(tick.endswith(f" {expected}") for tick in ticks[1:])


# Rows ------------------------------------------------------------------------------------------


def test_rows_grow_with_what_is_in_view(show: Show) -> None:
    screen = show(random_timelines(2000, 5))
    screen.show("lanes")
    assert pitch(screen) < 15
    assert screen.painted()
    screen.state("v.lanes.look(1e9, 1.001e9)")
    screen.settle()
    assert pitch(screen) >= 18
    assert not screen.painted()
    assert any(text.startswith("task_") for text in screen.texts())
    screen.press("f")
    assert pitch(screen) < 15


def test_rows_grow_with_a_filter(show: Show) -> None:
    screen = show(random_timelines(300, 5))
    screen.show("lanes")
    before = pitch(screen)
    screen.search("#7 ")
    assert pitch(screen) >= before
    screen.search("#77")
    assert pitch(screen) == 26
    assert any("#77" in text for text in screen.texts())


def test_rows_grow_with_enter_on_a_request(show: Show) -> None:
    screen = show(random_timelines(300, 5))
    screen.show("lanes")
    before = pitch(screen)
    screen.press("n", "Enter")
    assert pitch(screen) > before
    name = screen.state("v.pinned.name")
    assert screen.sentence().startswith(name)
    assert any(text.startswith(name) for text in screen.texts())


def test_a_finding_leads_to_rows_that_can_be_read(show: Show) -> None:
    crowd = random_timelines(2000, 5)
    for timeline in crowd:
        timeline.request_start //= 20
        timeline.wall = WALL + timeline.request_start
        timeline.tasks = [
            replace(one, requested=at, released=at, started=at + MS, finished=at + 90 * MS)
            for one, at in zip(timeline.tasks, [timeline.request_start] * 5, strict=True)
        ]
    screen = show(crowd)
    screen.page.locator(".why li button").first.click()
    screen.settle()
    assert pitch(screen) >= 18
    name = screen.sentence().split()[0]
    assert any(text.startswith(name) for text in screen.texts())
    screen.press("f")
    assert pitch(screen) < 15


def test_the_next_task_is_one_in_view(show: Show) -> None:
    screen = show(random_timelines(300, 5))
    screen.show("lanes")
    screen.state("v.lanes.look(2e9, 2.1e9)")
    screen.settle()
    before = screen.view
    screen.press("n")
    begin, _ = screen.state("v.lanes.extent(v.app.pinned)")
    assert before.begin <= begin <= before.end
    assert screen.view[:2] == before[:2]


def test_what_does_not_fit_scrolls_with_a_bar(show: Show) -> None:
    screen = show(random_timelines(8, 6))
    assert screen.visible(".scroller")
    screen.page.locator(".scroller").evaluate("(one) => (one.scrollTop = 100)")
    screen.settle()
    assert screen.view.y == 100
    screen.press("PageDown")
    assert screen.page.locator(".scroller").evaluate("(one) => one.scrollTop") > 100
    assert not show(checkout()).visible(".scroller")


def test_fit_shows_everything(show: Show) -> None:
    screen = show(random_timelines(60, 5))
    screen.show("lanes")
    screen.press("f")
    assert screen.state("v.scene.height <= v.lanes.room")
    assert screen.view.begin < screen.state("v.lanes.first")
    assert screen.view.end > screen.state("v.lanes.last")


# The overview ------------------------------------------------------------------------------------


def test_the_brush_draws_moves_and_stretches_the_view(show: Show) -> None:
    screen = show(random_timelines(100, 3))
    screen.show("lanes")
    strip = screen.page.locator(".overview").bounding_box()
    y = strip["y"] + 20

    def at(share: float) -> tuple[float, float]:
        return strip["x"] + share * strip["width"], y

    first, last = screen.state("v.lanes.first"), screen.state("v.lanes.last")

    def share(time: float) -> float:
        return float((time - first) / (last - first))

    screen.drag(at(0.2), at(0.4))
    assert [share(t) for t in screen.view[:2]] == pytest.approx([0.2, 0.4], abs=0.01)
    screen.drag(at(0.3), at(0.5))
    assert [share(t) for t in screen.view[:2]] == pytest.approx([0.4, 0.6], abs=0.01)
    screen.drag(at(0.6), at(0.8))
    assert [share(t) for t in screen.view[:2]] == pytest.approx([0.4, 0.8], abs=0.01)
    screen.page.mouse.click(*at(0.1))
    screen.settle()
    assert share(sum(screen.view[:2]) / 2) == pytest.approx(0.1, abs=0.01)
