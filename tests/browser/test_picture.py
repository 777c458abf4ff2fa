"""What the lanes show, and that they show all of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fastapi_tasks.timeline import Span, TaskRecord, Timeline
from tests.samples import MS, WALL, checkout, random_timelines, repeating, watched

from .screen import Screen

Show = Callable[..., Screen]


def open_ended() -> Timeline:
    return Timeline(
        id=1, kind="http", method="GET", path="/", wall=WALL, request_start=0,
        tasks=[
            TaskRecord("runs", "immediate", 1 * MS, 1 * MS, 2 * MS),
            TaskRecord("is held", "after_route", 5 * MS),
            TaskRecord("waits", "after_route", 5 * MS, 6 * MS),
        ],
    )  # fmt: skip


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
