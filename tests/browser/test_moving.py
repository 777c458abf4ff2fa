"""Wheel, drag, pinch and keys: what one does to look elsewhere or closer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.samples import MS, checkout, random_timelines

from .screen import Screen

Show = Callable[..., Screen]


def time_at(screen: Screen, x: float) -> float:
    view = screen.view
    return view.begin + view.span * x / screen.state("v.width")


def test_all_is_in_view_at_first(show: Show) -> None:
    view = show(checkout()).view
    assert view.begin < -0.8 * MS
    assert view.end > 42 * MS
    assert view.span < 50 * MS


def test_the_wheel_zooms_at_the_pointer(show: Show) -> None:
    screen = show(checkout())
    before, under = screen.view, time_at(screen, 400)
    screen.wheel(400, 300, 0, -300)
    assert screen.view.span < before.span / 1.5
    assert time_at(screen, 400) == pytest.approx(under, abs=1)
    screen.wheel(400, 300, 0, 300)
    assert screen.view.span == pytest.approx(before.span)


def test_a_pinch_on_the_trackpad_zooms(show: Show) -> None:
    screen = show(checkout())
    before, under = screen.view, time_at(screen, 640)
    screen.wheel(640, 300, 0, -30, held="Control")
    assert screen.view.span < before.span
    assert time_at(screen, 640) == pytest.approx(under, abs=1)


def test_two_fingers_zoom_at_the_one_that_rests(show: Show) -> None:
    screen = show(checkout(), has_touch=True)
    before, under = screen.view, time_at(screen, 600)
    touch = screen.context.new_cdp_session(screen.page)

    def fingers(kind: str, *places: int) -> None:
        points = [{"x": x, "y": 400, "id": i} for i, x in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 600, 700)
    for x in (720, 760, 800):
        fingers("touchMove", 600, x)
    fingers("touchEnd")
    screen.settle()
    assert screen.view.span == pytest.approx(before.span / 2)
    assert time_at(screen, 600) == pytest.approx(under, abs=1)


def test_drag_moves_the_picture_with_the_pointer(show: Show) -> None:
    screen = show(checkout())
    before, under = screen.view, time_at(screen, 700)
    screen.drag((700, 500), (600, 500))
    assert time_at(screen, 600) == pytest.approx(under, abs=1)
    assert screen.view.span == pytest.approx(before.span)
    assert screen.state("v.pinned") is None


def test_the_picture_never_leaves_the_view(show: Show) -> None:
    screen = show(checkout())
    for _ in range(5):
        screen.drag((100, 500), (1200, 500))
    view = screen.view
    assert view.end > 0
    screen.press("Home", "Home")
    assert screen.view.begin < screen.state("v.scene.end")


def test_a_sideways_wheel_moves_and_with_shift_it_scrolls(show: Show) -> None:
    screen = show(random_timelines(12, 6))
    before = screen.view
    screen.wheel(640, 400, 100, 0)
    assert screen.view.begin > before.begin
    screen.wheel(640, 400, 0, 120, held="Shift")
    assert screen.view.y > before.y


@pytest.mark.parametrize(
    ("keys", "moved"),
    [
        (["ArrowRight"], "begin later"),
        (["ArrowLeft"], "begin earlier"),
        (["+"], "closer"),
        (["="], "closer"),
        (["-"], "wider"),
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
    screen = show(random_timelines(12, 6))
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


def test_buttons_fit_and_reset(show: Show) -> None:
    screen = show(checkout())
    before = screen.view
    screen.press("+", "+", "ArrowRight")
    screen.click("button:text-is('Fit')")
    assert screen.view == pytest.approx(before)
    screen.page.locator("[data-part=search]").fill("mail")
    screen.click("button[data-with=immediate]")
    screen.click("button:text-is('Reset')")
    assert len(screen.tasks()) == 6
    assert screen.view == pytest.approx(before)


def test_zoom_ends_at_a_few_nanoseconds_and_at_a_few_times_all(show: Show) -> None:
    screen = show(checkout())
    screen.press(*["+"] * 120)
    assert 1 <= screen.view.span <= 20
    screen.press(*["-"] * 200)
    assert screen.view.span < 300 * MS


@pytest.mark.parametrize(
    ("span", "expected"),
    [(100, "ns"), (50_000, "µs"), (40 * MS, "ms"), (20_000 * MS, "s"), (2_000_000 * MS, "min")],
)
def test_the_ruler_tells_its_unit(show: Show, span: int, expected: str) -> None:
    screen = show(checkout())
    screen.state(f"(v.view.begin = 0, v.view.end = {span})")
    screen.press("ArrowDown")
    ticks = screen.page.locator(".picture .ruler ~ text").all_text_contents()
    assert len(ticks) >= 3
    assert ticks[0] == "0" or ticks[0].endswith(expected)
    assert all(tick.endswith(f" {expected}") for tick in ticks[1:])
