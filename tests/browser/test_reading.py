"""Hover, choose, measure, filter, fold, the legend: what one does to read the lanes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fastapi_tasks.timeline import Busy, Span, TaskRecord, Timeline
from tests.samples import MS, WALL, checkout, late, random_timelines, repeating, watched

from .screen import Screen

Show = Callable[..., Screen]

MAIL = (
    "send_mail was held back 1.4 ms by its mode, waited 100 µs, then ran 29.3 ms on the event "
    "loop. "
    "It started 100 µs after the response was sent."
)


def open_ended() -> Timeline:
    return Timeline(
        id=1, kind="http", method="GET", path="/", wall=WALL, request_start=0,
        tasks=[
            TaskRecord("runs", "immediate", 1 * MS, 1 * MS, 2 * MS),
            TaskRecord("is held", "after_route", 5 * MS),
            TaskRecord("waits", "after_route", 5 * MS, 6 * MS),
        ],
    )  # fmt: skip


def place(screen: Screen, words: str) -> tuple[float, float]:
    """Where words stand in the window."""
    found = next(label for label in screen.labels() if label.words == words)
    stage = screen.page.locator(".stage").bounding_box()
    return stage["x"] + found.x + 4, stage["y"] + found.y + 6


# The picture -------------------------------------------------------------------------------------


def test_the_picture_names_all_there_is(show: Show) -> None:
    texts = show(checkout()).texts()
    assert {
        "response sent", "endpoint end", "client  14.2 ms", "endpoint  11.6 ms", "event loop",
        "send_mail held the loop  22 ms", "validate_payment  29.9 ms", "finalize_order  11.7 ms",
        "send_mail  29.3 ms", "print_label  17 ms", "notify_shipping  ConnectionError",
        "audit  1.9 ms", "▾", "POST /checkout #1", "200", "0",
        "response sent after 12.6 ms, 6 tasks, the last ended 29.4 ms later",
    } <= set(texts)  # fmt: skip


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


def test_what_held_the_loop_has_a_lane_of_its_own_on_top(show: Show) -> None:
    screen = show([checkout(1), checkout(2, 50 * MS)])
    held = screen.find("send_mail", "held")
    assert held.y < screen.find("/checkout", "requests").y
    assert screen.texts().count("event loop") == 1
    assert screen.texts().count("send_mail held the loop  22 ms") == 2


def test_each_process_has_a_lane_of_its_own(show: Show) -> None:
    here, there = checkout(1), checkout(1, 5_000_000 * MS)
    there.process, there.wall = 8, WALL + 40 * MS
    screen = show([here, there])
    assert screen.state("[...v.recordings[0].start]") == [0, 40 * MS]
    assert "event loop of process 8" in screen.texts()


def test_spans_stand_beneath_what_made_them(show: Show) -> None:
    screen = show(watched())
    assert {
        "middleware GZipMiddleware  30.9 ms", "endpoint create_order  9.1 ms",
        "calls payments.example  5.4 ms", "render_mail in a thread  9.4 ms", "redis SET  7 ms",
    } <= set(screen.texts())  # fmt: skip
    request, mail = screen.find("/orders", "requests"), screen.find("send_mail")
    app, query = screen.find("create_order", "spans"), screen.find("SELECT carts", "spans")
    render = screen.find("render_mail", "spans")
    assert request.y < app.y < query.y < mail.y < render.y < screen.find("warm_cache").y
    assert app.x < query.x < query.end < app.end


def test_many_spans_are_counted_and_those_that_were_let_go(show: Show) -> None:
    timeline = repeating(159)
    timeline.spans_dropped = 1000
    screen = show([timeline, *(watched(number, number * 40 * MS) for number in range(2, 4))])
    said = [text for text in screen.texts() if "spans" in text and "ended" in text]
    assert said[0].endswith("175 spans (175 not drawn), 1,000 earlier spans let go")


def test_odd_spans_do_no_harm(show: Show) -> None:
    spans = [
        Span("a", "sql", 5 * MS, None, parent=1),
        Span("b", "sql", 6 * MS, 2 * MS, parent=0),
        Span("<i>", "telemetry", 90 * MS, 95 * MS, task=77, parent=41),
        Span("same", "http", 5 * MS, 5 * MS, task=0),
    ]
    timeline = watched()
    timeline.spans = spans
    for number, span in enumerate(spans):
        span.id = number
    screen = show(timeline)
    assert "<i>  5 ms" in screen.texts()
    assert "SQL a  open" in screen.texts()
    screen.press("c")


def test_open_ends_are_told(show: Show) -> None:
    screen = show(open_ended())
    assert {"runs  running", "is held  held back", "waits  waiting", "open"} <= set(screen.texts())
    told = []
    for _ in range(3):
        screen.press("n")
        told.append(screen.sentence())
    assert told == [
        "runs waited 1 ms, then has been running on the event loop.",
        "is held is still held back by its mode.",
        "waits has not started yet.",
    ]


def test_an_abandoned_task_ran_on(show: Show) -> None:
    timeline = checkout()
    timeline.tasks[2].finished, timeline.tasks[2].outcome = None, "abandoned"
    screen = show(timeline)
    assert screen.find("send_mail").end > screen.find("print_label").end
    assert any("1 not ended" in text for text in screen.texts())
    screen.press("n", "n", "n")
    assert screen.sentence().startswith(
        "send_mail was held back 1.4 ms by its mode, waited 100 µs, then has been running on the "
        "event loop and was abandoned."
    )


def test_errors_and_what_held_the_loop_share_no_colour(show: Show) -> None:
    for scheme in ("light", "dark"):
        screen = show(checkout(), color_scheme=scheme)
        colors = screen.state("[v.lanes.looks.busy.fill, v.lanes.looks.failed.fill]")
        assert colors[0] != colors[1]


def test_no_failure_is_thinned_out_in_a_crowd(show: Show) -> None:
    timelines = random_timelines(1000, 5)
    for timeline in timelines:
        for task in timeline.tasks:
            task.outcome, task.error = "ok", None
    timelines[500].tasks[2].outcome = "error"
    screen = show(timelines)
    screen.show("lanes")
    assert screen.painted()
    red = screen.state(
        "(() => { const pen = v.part.canvas.getContext('2d');"
        " const { data } = pen.getImageData(0, 0, v.part.canvas.width, v.part.canvas.height);"
        " let n = 0; for (let i = 0; i < data.length; i += 4)"
        " n += data[i] === 0xb3 && data[i + 1] === 0x12 && data[i + 2] === 0x3a; return n })()"
    )
    assert red >= 2


def test_a_long_path_keeps_its_status_and_summary(show: Show) -> None:
    timeline = checkout()
    timeline.path = "/a" * 300
    screen = show(timeline)
    texts = screen.texts()
    assert any(text.startswith("POST /a") and "…" in text for text in texts)
    assert "200" in texts
    assert any(text.startswith("response sent after") for text in texts)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u202eliam", "\\u202eliam"),
        ("\u05e9\u05dc\u05d5\u05dd", "\u2068\u05e9\u05dc\u05d5\u05dd\u2069"),
        ("📦 Päckchen", "📦 Päckchen"),
    ],
)
def test_names_in_any_script_leave_the_line_whole(show: Show, name: str, shown: str) -> None:
    timeline = checkout()
    timeline.tasks[2].name = name
    screen = show(timeline)
    assert f"{shown}  29.3 ms" in screen.texts()


def test_many_requests_share_bands_and_many_bars_become_strips(show: Show) -> None:
    screen = show(random_timelines(200, 10))
    screen.show("lanes")
    assert screen.painted()
    screen.press("n", "Enter")
    assert not screen.painted()


def test_nothing_overlaps_in_a_row(show: Show) -> None:
    screen = show(random_timelines(60, 30))
    screen.show("lanes")
    assert screen.state(
        "v.scene.rows.every(({from, to}) => {"
        " for (let i = from + 1; i < to; i++)"
        "  if (v.scene.begins[i] < v.scene.ends[i - 1]) return false;"
        " return true })"
    )
    assert len(screen.tasks()) == 1800


@pytest.mark.parametrize(
    ("by", "title"),
    [
        ("route", "POST /items/{item_id} · "),
        ("task", "task_3 · "),
        ("thread", "worker threads · "),
    ],
)
def test_rows_can_be_grouped(show: Show, by: str, title: str) -> None:
    screen = show(random_timelines(20, 5))
    screen.page.locator("[data-part=group]").select_option(by)
    screen.settle()
    assert any(text.startswith(title) for text in screen.texts())


def test_times_can_be_counted_from_the_answer(show: Show) -> None:
    screen = show([checkout(1), checkout(2, 900 * MS)], align="response_sent")
    assert screen.state("[...v.app.shown[0].offset]") == [-12.6 * MS, -912.6 * MS]
    assert screen.view.begin < -12.6 * MS


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
    assert screen.facts()["Run"].endswith("slower than 95 % of 20 send_mail")


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


# Filter and legend -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mail", ["send_mail"]),
        ("MAIL", ["send_mail"]),
        ("mode:after_response", ["send_mail", "print_label", "notify_shipping"]),
        ("mode:after_response -mail", ["print_label", "notify_shipping"]),
        ("outcome:error", ["notify_shipping"]),
        ("error:Connection", ["notify_shipping"]),
        ("thread", ["print_label"]),
        ("run>29ms", ["validate_payment", "send_mail"]),
        ("status:2xx name:audit", ["audit"]),
        ("route:/check outcome:ok mode:immediate", ["validate_payment", "audit"]),
        ("checkout print", ["print_label"]),
        ("status:500", []),
    ],
)
def test_filter(show: Show, query: str, found: list[str]) -> None:
    screen = show(checkout())
    screen.press("/")
    screen.page.keyboard.type(query)
    screen.settle()
    assert screen.tasks() == found
    assert screen.text("found").startswith(f"{len(found)} of 6 tasks")
    assert screen.visible("[data-part=notice]") is (found == [])


def test_a_filter_that_is_none_says_why_and_changes_nothing(show: Show) -> None:
    screen = show(checkout())
    screen.search("wait>fast")
    assert screen.text("found") == (
        "wait>fast: 'fast' is no duration: write a number and its unit, such as 20ms"
    )
    assert len(screen.tasks()) == 6


def test_a_filter_hides_requests_without_a_match(show: Show) -> None:
    screen = show(random_timelines(9, 2))
    screen.search("/items/3")
    assert screen.state("v.app.shown[0].count") == 1


def test_typing_a_filter_moves_nothing(show: Show) -> None:
    screen = show(checkout())
    before = screen.view
    screen.press("/")
    screen.page.keyboard.type("fnt0 ad")
    screen.settle()
    assert screen.view == before
    assert screen.page.locator("[data-part=search]").input_value() == "fnt0 ad"


def legend(screen: Screen) -> list[str]:
    chips = screen.page.locator(".legend .entry:visible .chip")
    return [" ".join(text.split()) for text in chips.all_inner_texts()]


def test_the_legend_counts_what_the_filter_leaves_and_toggles(show: Show) -> None:
    screen = show(checkout())
    assert legend(screen) == [
        "immediate 2", "after_route 1", "after_response 3", "ok 5", "✖ error 1",
    ]  # fmt: skip
    screen.search("mail")
    assert legend(screen)[2:4] == ["after_response 1", "ok 1"]
    screen.search("")
    screen.click("[data-key=after_response] .chip")
    assert screen.tasks() == ["validate_payment", "finalize_order", "audit"]
    chip = screen.page.locator("[data-key=after_response] .chip")
    assert chip.get_attribute("aria-pressed") == "false"
    screen.click("[data-key=after_response] .chip")
    screen.click("[data-key=error] .chip")
    assert "notify_shipping" not in screen.tasks()
    assert len(screen.tasks()) == 5


def test_only_this_on_every_entry_of_the_legend(show: Show) -> None:
    screen = show(checkout())
    screen.page.locator("[data-key=immediate] .chip").hover()
    screen.click("[data-key=immediate] .only")
    assert screen.tasks() == ["validate_payment", "audit"]
    screen.click("[data-key=immediate] .only")
    assert len(screen.tasks()) == 6
    screen.page.keyboard.down("Shift")
    screen.click("[data-key=error] .chip")
    screen.page.keyboard.up("Shift")
    assert screen.tasks() == ["notify_shipping"]


def test_hiding_what_went_well_leaves_the_requests_with_failures(show: Show) -> None:
    timelines = random_timelines(50, 2)
    for timeline in timelines:
        for task in timeline.tasks:
            task.outcome = "ok"
    timelines[7].tasks[1].outcome = "error"
    screen = show(timelines)
    screen.click("[data-key=ok] .chip")
    assert screen.text("found") == "1 of 100 tasks · 1 of 50 requests"


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
