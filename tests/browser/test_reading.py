"""Hover, pin, measure, filter, fold, the legend, the table: what one does to read the picture."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fastapi_tasks.timeline import Busy, Span, TaskRecord, Timeline
from tests.samples import MS, WALL, checkout, random_timelines, repeating, watched

from .screen import Screen

Show = Callable[..., Screen]

MAIL = (
    "send_mail was held back 1.4 ms by its mode, waited 100 µs, then ran 29.3 ms on the event "
    "loop. "
    "It started 100 µs after the response was sent."
)


def test_the_picture_names_all_there_is(show: Show) -> None:
    texts = show(checkout()).texts()
    assert [text for text in texts if not text.endswith(" ms") or "  " in text] == [
        "response sent",
        "endpoint end",
        "client  14.2 ms",
        "endpoint  11.6 ms",
        "send_mail held the loop  22 ms",
        "validate_payment  29.9 ms",
        "finalize_order  11.7 ms",
        "send_mail  29.3 ms",
        "print_label  17 ms",
        "notify_shipping  ConnectionError",
        "audit  1.9 ms",
        "▾",
        "POST /checkout #1",
        "200",
        "response sent after 12.6 ms, 6 tasks, the last ended 29.4 ms later",
        "0",
    ]


def test_bars_stand_where_their_times_are(show: Show) -> None:
    screen = show(checkout())
    stage = screen.page.locator(".stage").bounding_box()

    def x(ms: float) -> float:
        view = screen.view
        at: float = stage["x"] + (ms * MS - view.begin) / view.span * stage["width"]
        return at

    mail = screen.find("send_mail")
    assert (mail.x, mail.mid, mail.end) == pytest.approx((x(11.2), x(12.7), x(42)), abs=0.01)
    request = screen.find("/checkout", "requests")
    assert (request.x, request.end) == pytest.approx((x(0), x(12.8)), abs=0.01)
    assert screen.page.locator(".picture .arrow").count() == 6
    assert screen.page.locator(".picture .ending").get_attribute("href") == "#sign-error"
    assert screen.page.locator(".picture .thread").count() == 1


def test_an_arrow_comes_from_the_task_that_scheduled(show: Show) -> None:
    screen = show(checkout())
    parent, child = screen.find("validate_payment"), screen.find("audit")
    stage = screen.page.locator(".stage").bounding_box()
    arrow = screen.page.locator(".picture .arrow").last.get_attribute("d")
    top = parent.y + parent.height / 2 - stage["y"]
    assert arrow.startswith(f"M{round(child.x - stage['x'], 1):g} {top:g}V")


def test_hover_tells_a_sentence(show: Show) -> None:
    screen = show(checkout())
    assert not screen.visible("[data-part=tip]")
    screen.page.mouse.move(*screen.find("send_mail").center)
    screen.settle()
    assert screen.text("tip") == MAIL
    screen.page.mouse.move(*screen.find(None, "busy").center)
    screen.settle()
    assert screen.text("tip") == (
        "send_mail held the event loop for 22 ms: nothing else on it could run."
    )
    screen.page.mouse.move(640, 750)
    screen.settle()
    assert not screen.visible("[data-part=tip]")


def test_click_pins_and_escape_lets_go(show: Show) -> None:
    screen = show(checkout())
    screen.page.mouse.click(*screen.find("notify_shipping").center)
    screen.page.mouse.move(640, 700)
    screen.settle()
    panel = screen.page.locator("[data-part=panel]")
    assert screen.text("sentence") == (
        "notify_shipping was held back 1.1 ms by its mode, waited 200 µs, then ran 7.2 ms on the "
        "event loop and raised ConnectionError. It started 200 µs after the response was sent."
    )
    rows = panel.locator("dl:visible dd").all_inner_texts()
    assert rows == [
        "after_response", "error", "ConnectionError", "the request", "11.5 ms", "12.6 ms",
        "12.8 ms", "20 ms", "–", "POST /checkout #1",
    ]  # fmt: skip
    screen.press("Escape")
    assert not panel.is_visible()


def test_the_keyboard_reaches_every_task(show: Show) -> None:
    screen = show(checkout())
    names = []
    for _ in range(6):
        screen.press("n")
        names.append(screen.text("sentence").split()[0])
    assert names == screen.tasks()
    screen.press("p")
    assert screen.text("sentence").startswith("notify_shipping ")
    screen.press("Enter")
    view = screen.view
    assert 11 * MS < view.begin < 11.5 * MS
    assert 20 * MS < view.end < 21 * MS


def test_the_keyboard_reaches_every_other_bar_too(show: Show) -> None:
    screen = show(checkout())
    told = []
    for _ in range(4):
        screen.press("Shift+N")
        told.append(screen.text("sentence"))
    assert told[0] == "The client had its answer after 14.2 ms."
    assert told[1].startswith("POST /checkout #1: response sent after 12.6 ms")
    assert told[2] == "send_mail held the event loop for 22 ms: nothing else on it could run."
    assert told[3].startswith("validate_payment waited ")
    screen.press("Shift+P")
    assert screen.text("sentence") == told[2]
    rows = screen.page.locator("[data-part=panel] dl:visible dd").all_inner_texts()
    assert rows == ["13 ms", "35 ms", "–"]


def test_spans_stand_beneath_what_made_them(show: Show) -> None:
    screen = show(watched())
    assert {
        "middleware GZipMiddleware  30.9 ms", "endpoint create_order  9.1 ms",
        "calls payments.example", "sending  550 µs", "render_mail in a thread  9.4 ms",
        "redis SET  7 ms",
    } <= set(screen.texts())  # fmt: skip
    request, mail = screen.find("/orders", "requests"), screen.find("send_mail")
    app, query = screen.find("create_order", "spans"), screen.find("SELECT carts", "spans")
    render = screen.find("render_mail", "spans")
    assert request.y < app.y < query.y < mail.y < render.y < screen.find("warm_cache").y
    assert app.x < query.x < query.end < app.end
    assert query.height < mail.height
    assert screen.page.locator(".picture .span").count() == 16


def test_a_span_tells_what_it_is(show: Show) -> None:
    timeline = watched()
    timeline.spans[8].error = "TimeoutError"
    timeline.spans[8].attributes = {"status": "504", "method": "POST"}
    screen = show(timeline)
    screen.page.mouse.click(*screen.find("payments.example", "spans").center)
    screen.settle()
    assert screen.text("sentence") == (
        "calls payments.example took 5.4 ms and raised TimeoutError, in the request."
    )
    rows = screen.page.locator("[data-part=panel] dl:visible dd").all_inner_texts()
    assert rows == [
        "http", "the request", "3.2 ms", "8.6 ms", "TimeoutError", "status: 504, method: POST",
    ]  # fmt: skip


def test_many_spans_are_counted_and_those_that_were_let_go(show: Show) -> None:
    timeline = repeating(159)
    timeline.spans_dropped = 1000
    screen = show([timeline, *(watched(number, number * 40 * MS) for number in range(2, 4))])
    said = [text for text in screen.texts() if "spans" in text]
    assert [text.split(", the last ended 17.9 ms later, ")[1] for text in said] == [
        "175 spans (175 not drawn), 1,000 earlier spans let go", "16 spans", "16 spans",
    ]  # fmt: skip
    assert screen.page.locator(".picture .span").count() == 32


def test_odd_spans_do_no_harm(show: Show) -> None:
    spans = [
        Span("a", "sql", 5 * MS, None, parent=1),
        Span("b", "sql", 6 * MS, 2 * MS, parent=0),
        Span("<i>", "telemetry", 90 * MS, 95 * MS, task=77, parent=41),
        Span("same", "http", 5 * MS, 5 * MS, task=0),
    ]
    timeline = watched()
    timeline.spans = spans
    for place, span in enumerate(spans):
        span.id = place
    screen = show(timeline)
    assert "<i>  5 ms" in screen.texts()
    assert "SQL a  open" in screen.texts()
    screen.press("c")


def test_the_line_that_held_the_loop_is_told(show: Show) -> None:
    timeline = checkout()
    timeline.busy[0].line = "shop/mail.py:42 in render"
    screen = show(timeline)
    screen.page.mouse.click(*screen.find(None, "busy").center)
    screen.settle()
    assert screen.text("sentence") == (
        "send_mail held the event loop for 22 ms at shop/mail.py:42 in render: "
        "nothing else on it could run."
    )


def test_the_next_task_comes_into_view(show: Show) -> None:
    screen = show(random_timelines(30, 8))
    screen.press(*["+"] * 30)
    screen.press("n")
    place, view = screen.find(screen.state("v.pinned.name")), screen.view
    begin = screen.state("v.scene.begins[v.pinned.at]")
    assert view.begin <= begin <= view.end
    assert 0 < place.y < 800


def test_shift_and_drag_measures(show: Show) -> None:
    screen = show(checkout())
    view, width = screen.view, screen.state("v.width")
    screen.drag((300, 600), (700, 600), held="Shift")
    begin, end = screen.measured or (0, 0)
    assert (begin, end) == pytest.approx(
        (view.begin + view.span * 300 / width, view.begin + view.span * 700 / width)
    )
    assert screen.view == view
    assert f"{round((end - begin) / MS, 1):g} ms" in screen.texts()
    screen.press("Escape")
    assert screen.measured is None


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


def test_the_measure_button_lets_a_drag_measure(show: Show) -> None:
    screen = show(checkout())
    screen.click("button:text-is('Measure')")
    assert screen.measured is not None
    view = screen.view
    screen.drag((300, 600), (500, 600))
    begin, end = screen.measured or (0, 0)
    assert end - begin == pytest.approx(view.span * 200 / screen.state("v.width"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mail", ["send_mail"]),
        ("MAIL", ["send_mail"]),
        ("mode:after_response", ["send_mail", "print_label", "notify_shipping"]),
        ("outcome:error", ["notify_shipping"]),
        ("name:audit", ["audit"]),
        ("path:/check outcome:ok mode:immediate", ["validate_payment", "audit"]),
        ("checkout print", ["print_label"]),
        ("nothing like it", []),
    ],
)
def test_filter(show: Show, query: str, found: list[str]) -> None:
    screen = show(checkout())
    screen.press("/")
    screen.page.keyboard.type(query)
    screen.settle()
    assert screen.tasks() == found
    assert screen.text("found") == f"{len(found)} of 6 tasks"
    assert screen.visible("[data-part=notice]") is (found == [])


def test_filter_hides_requests_without_a_match(show: Show) -> None:
    screen = show(random_timelines(9, 2))
    screen.page.locator("[data-part=search]").fill("path:/items/3")
    screen.settle()
    assert screen.state("v.scene.groups.map(({request}) => request.path)") == ["/items/3"]


def test_typing_a_filter_moves_nothing(show: Show) -> None:
    screen = show(checkout())
    before = screen.view
    screen.press("/")
    screen.page.keyboard.type("fnt0")
    screen.settle()
    assert screen.view == before
    assert screen.page.locator("[data-part=search]").input_value() == "fnt0"


def test_the_legend_counts_and_toggles(show: Show) -> None:
    screen = show(checkout())
    legend = screen.page.locator("[data-part=legend] button:visible")
    assert [" ".join(text.split()) for text in legend.all_inner_texts()] == [
        "immediate 2", "after_route 1", "after_response 3", "ok 5", "✖ error 1",
    ]  # fmt: skip
    screen.click("button[data-with=after_response]")
    assert screen.tasks() == ["validate_payment", "finalize_order", "audit"]
    pressed = screen.page.locator("button[data-with=after_response]").get_attribute("aria-pressed")
    assert pressed == "false"
    screen.click("button[data-with=after_response]")
    screen.click("button[data-with=error]")
    assert "notify_shipping" not in screen.tasks()
    assert len(screen.tasks()) == 5


def test_folding_a_request_keeps_its_shape(show: Show) -> None:
    screen = show([checkout(1), checkout(2, 50 * MS)])
    tall = screen.state("v.scene.height")
    screen.press("n", "c")
    assert screen.state("v.scene.height") < tall - 80
    assert screen.find("send_mail").height <= 4
    assert "▸" in screen.texts()
    screen.press("c")
    assert screen.state("v.scene.height") == tall
    screen.press("Shift+C")
    assert screen.texts().count("▸") == 2
    screen.press("Shift+C")
    head = screen.page.locator(".picture text", has_text="POST /checkout #2").bounding_box()
    screen.page.mouse.click(head["x"] + 5, head["y"] + 5)
    assert screen.text("sentence").startswith("POST /checkout #2: response sent after")
    screen.press("c")
    assert screen.texts().count("▸") == 1


def test_the_table_holds_every_task(show: Show) -> None:
    screen = show(random_timelines(7, 33))
    rows = screen.page.locator("tbody tr")
    assert not screen.visible("table") or rows.count() == 100  # a screen reader finds it anyway
    screen.press("t")
    assert screen.visible("table")
    seen = rows.count()
    assert screen.text("range") == "1–100 of 231 tasks"
    for expected in ("101–200 of 231 tasks", "201–231 of 231 tasks", "201–231 of 231 tasks"):
        screen.click("button:text-is('Next 100')")
        assert screen.text("range") == expected
    assert seen + 100 + rows.count() == 231
    screen.press("t")
    assert screen.page.locator("section.table").bounding_box()["width"] == 1


def test_a_row_of_the_table_tells_all_of_a_task(show: Show) -> None:
    screen = show(checkout())
    cells = screen.page.locator("tbody tr").nth(3).locator("td").all_text_contents()
    assert cells == [
        "POST /checkout #1", "print_label", "after_response", "ok", "–",
        "11.4 ms", "12.6 ms", "13 ms", "30 ms", "yes", "the request",
    ]  # fmt: skip


def test_help_names_every_key(show: Show) -> None:
    screen = show(checkout())
    screen.press("?")
    assert screen.visible("dialog")
    help_text = screen.page.locator("dialog").inner_text()
    for word in ("Zoom", "Move in time", "Measure", "Fold", "Filter", "Table", "endpoint end"):
        assert word in help_text
    screen.page.keyboard.press("Escape")
    assert not screen.visible("dialog")


def test_many_requests_share_bands_and_many_bars_become_strips(show: Show) -> None:
    screen = show(random_timelines(200, 10))
    assert screen.state("v.scene.packed") is True
    assert screen.page.locator(".picture .run").count() == 0
    assert screen.painted()
    screen.press("n", "Enter")
    assert screen.page.locator(".picture .run").count() > 0
    assert not screen.painted()


def test_nothing_overlaps_in_a_row(show: Show) -> None:
    screen = show(random_timelines(60, 30))
    assert screen.state(
        "v.scene.rows.every(({from, to}) => {"
        " for (let i = from + 1; i < to; i++)"
        "  if (v.scene.begins[i] < v.scene.ends[i - 1]) return false;"
        " return true })"
    )
    assert len(screen.tasks()) == 1800


def test_comparison_stands_side_by_side_and_aligns(show: Show) -> None:
    screen = show({"before": [checkout()], "after": [checkout(4, 900 * MS)]})
    assert [text for text in screen.texts() if text in ("before", "after")] == ["before", "after"]
    assert screen.page.locator("[data-part=align]").input_value() == "request_start"
    assert screen.state("v.scene.groups.map(({origin}) => origin)") == [0, 0]
    screen.page.locator("[data-part=align]").select_option("response_sent")
    screen.settle()
    assert screen.state("v.scene.groups.map(({origin}) => origin)") == [-12.6 * MS] * 2
    assert screen.view.begin < -12.6 * MS
    screen.page.locator("[data-part=align]").select_option("clock")
    screen.settle()
    assert screen.state("v.scene.groups.map(({origin}) => origin)") == [0, 0]


def test_one_recording_aligns_too(show: Show) -> None:
    screen = show([checkout(1), checkout(2, 900 * MS)], align="response_sent")
    assert screen.state("v.scene.groups.map(({origin}) => origin)") == [-12.6 * MS] * 2


def test_processes_with_other_clocks_meet_on_the_wall_clock(show: Show) -> None:
    here, there = checkout(1), checkout(1, 5_000_000 * MS)
    there.process, there.wall = 8, WALL + 40 * MS
    screen = show([here, there])
    assert screen.state("v.scene.groups.map(({origin}) => origin)") == [0, 40 * MS]


def test_the_theme_follows_the_system_and_the_switch(show: Show) -> None:
    background = "getComputedStyle(v.part.stage.parentNode).backgroundColor"
    dark = show(checkout(), color_scheme="dark")
    assert dark.state(background) == "rgb(20, 24, 31)"
    dark.click("button[data-action=theme]")
    assert dark.state(background) == "rgb(255, 255, 255)"
    dark.press("d")
    assert dark.state(background) == "rgb(20, 24, 31)"


def test_open_ends_are_told(show: Show) -> None:
    timeline = Timeline(
        id=1, kind="http", method="GET", path="/", wall=WALL, request_start=0,
        tasks=[
            TaskRecord("runs", "immediate", 1 * MS, 1 * MS, 2 * MS),
            TaskRecord("is held", "after_route", 5 * MS),
            TaskRecord("waits", "after_route", 5 * MS, 6 * MS),
        ],
    )  # fmt: skip
    screen = show(timeline)
    assert {"runs  running", "is held  held back", "waits  waiting", "open"} <= set(screen.texts())
    assert screen.page.locator(".picture .held").count() == 2
    assert screen.page.locator(".picture .wait").count() == 2
    assert screen.page.locator(".picture .run").count() == 1 + 3 + 2 * 3
    screen.press("n")
    assert screen.text("sentence") == "runs waited 1 ms, then has been running on the event loop."
    screen.press("n")
    assert screen.text("sentence") == "is held is still held back by its mode."
    screen.press("n")
    assert screen.text("sentence") == "waits has not started yet."


def bars(screen: Screen, type: str) -> list[list[float]]:
    """Where all bars of a type are, in milliseconds: row, begin, end."""
    found: list[list[float]] = screen.state(
        f"v.scene.items.filter(({{type}}) => type === '{type}').map(({{at, row}}) =>"
        " [v.scene.rows.indexOf(row), v.scene.begins[at] / 1e6, v.scene.ends[at] / 1e6])"
    )
    return found


def test_an_abandoned_task_ran_on(show: Show) -> None:
    timeline = checkout()
    timeline.tasks[2].finished, timeline.tasks[2].outcome = None, "abandoned"
    timeline.tasks[3].finished = timeline.tasks[3].started = None
    timeline.tasks[3].outcome = "abandoned"
    screen = show(timeline)
    last = max(end for _, _, end in bars(screen, "tasks"))
    assert last > 35
    assert [end for _, _, end in bars(screen, "tasks")].count(last) == 2
    assert screen.page.locator(".picture [href='#sign-abandoned']").count() == 2
    assert any("2 not ended" in text for text in screen.texts())
    screen.press("n", "n", "n")
    assert screen.text("sentence").startswith(
        "send_mail was held back 1.4 ms by its mode, waited 100 µs, then has been running on the "
        "event loop and was abandoned."
    )


def test_segments_that_overlap_or_come_in_no_order_have_rows_of_their_own(show: Show) -> None:
    timeline = checkout()
    timeline.busy = [
        Busy(round(begin * MS), round(end * MS), name)
        for begin, end, name in [(20, 38, "last"), (2, 6, "first"), (5, 9, "between")]
    ]
    screen = show(timeline)
    rows = {row for row, *_ in bars(screen, "busy")}
    assert len(rows) == 2
    assert sorted(bars(screen, "busy"), key=lambda bar: bar[1]) == [
        [min(rows), 2, 6], [max(rows), 5, 9], [min(rows), 20, 38],
    ]  # fmt: skip
    for culprit in ("first", "between", "last"):
        assert any(text.startswith(f"{culprit} held the loop") for text in screen.texts())


@pytest.mark.parametrize("width", [400, 1280])
def test_signs_and_open_ends_are_in_view_at_first(show: Show, width: int) -> None:
    timeline = checkout()
    timeline.tasks[2].outcome, timeline.tasks[2].error = "error", "OSError"
    for recording in (timeline, open_ended()):
        screen = show(recording, width=width)
        drawn = screen.page.evaluate(
            "() => [...document.querySelectorAll('.picture .ending, .picture .run')]"
            ".map((one) => one.getBoundingClientRect().right)"
        )
        assert 0.9 * width < max(drawn) <= width


def open_ended() -> Timeline:
    return Timeline(
        id=1, kind="http", method="GET", path="/", wall=WALL, request_start=0,
        tasks=[TaskRecord("runs", "immediate", 1 * MS, 1 * MS, 2 * MS)],
    )  # fmt: skip


def test_lines_that_are_close_have_their_names_beside_them_or_none(show: Show) -> None:
    screen = show([checkout(1), checkout(2, 3000 * MS)])
    named = screen.page.locator(".picture text", has_text="response sent").first.bounding_box()
    line = screen.page.locator(".picture .response_sent.line").first.bounding_box()
    assert 0 < named["x"] - line["x"] < 10
    assert "endpoint end" not in screen.texts()[:2]  # on its left there is no room for it


def test_arrows_that_would_smear_are_thinned_out(show: Show) -> None:
    def task(n: int) -> TaskRecord:
        times = (n * MS // 10, 13 * MS, (13 + n) * MS, (30 + n) * MS)
        return TaskRecord(f"t{n}", "after_response", *times, "ok")

    timeline = checkout()
    timeline.tasks = [task(n) for n in range(100)]
    screen = show(timeline, height=3000)
    bars, arrows = screen.page.locator(".picture .run"), screen.page.locator(".picture .arrow")
    assert bars.count() == 100
    assert 5 < arrows.count() < 50
    screen.page.locator("[data-part=search]").fill("name:t99")
    screen.settle()
    assert (bars.count(), arrows.count()) == (1, 1)


def test_long_names_do_not_make_drawing_slow(show: Show) -> None:
    timeline = checkout()
    timeline.tasks = [
        TaskRecord(f"{n}" * 500, "immediate", n * MS, n * MS, n * MS, (n + 40) * MS, "ok")
        for n in range(10, 90)
    ]
    screen = show(timeline, height=2500)
    screen.page.evaluate(
        """() => {
            const { prototype } = CanvasRenderingContext2D;
            const { measureText } = prototype;
            window.measured = 0;
            prototype.measureText = function (text) {
                window.measured++;
                return measureText.call(this, text);
            };
        }"""
    )
    screen.press("+")
    assert 0 < screen.page.evaluate("measured") < 80 * 10


def test_words_outside_of_bars_keep_the_lines_behind_them_off(show: Show) -> None:
    screen = show(checkout(), width=400)
    inside = screen.page.locator(".picture text", has_text="endpoint").nth(1)
    style = "(text) => [getComputedStyle(text).paintOrder, getComputedStyle(text).stroke]"
    outside = screen.page.locator(".picture text[class='']").first
    assert outside.evaluate(style) == ["stroke", "rgb(255, 255, 255)"]
    assert inside.evaluate(style) == ["normal", "none"]
