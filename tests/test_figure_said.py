"""What a figure says in words: names, phases, outcomes, spans, what held the loop."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.text import Text

from fastapi_tasks.timeline import Busy, Span, TaskRecord
from tests.drawn import drawn, figure_of, words
from tests.samples import MS, checkout, random_timelines, repeating, watched
from visualize.figure import plot


def test_names_phases_and_marks_are_said() -> None:
    said = words(plot(checkout()))

    assert {
        "POST /checkout #1", "200 · response sent after 12.6 ms · last task ended after 42 ms",
        "client", "request", "validate_payment", "finalize_order", "send_mail", "print_label",
        "notify_shipping", "audit", "event loop", "immediate", "after_route", "after_response",
        "after_response · thread", "endpoint end", "response sent", "endpoint",
        "waits for the response", "after the response", "ConnectionError",
        "held by send_mail for 22 ms", "held back 1.4 ms · waited 100 µs · ran 29.3 ms",
        "schedule() to start", "held back by its mode", "waiting", "released", "running", "error",
        "time from request start",
    } <= set(said)  # fmt: skip


def test_outcomes_are_said() -> None:
    timeline = checkout()
    first, second, third, fourth, *_ = timeline.tasks
    first.outcome = "cancelled"
    second.released = second.started = None
    second.outcome, second.finished = "discarded", 13 * MS
    third.finished, third.outcome = None, "abandoned"
    fourth.finished, fourth.outcome = None, None

    said = words(plot(timeline))
    assert {
        "cancelled", "discarded", "held back 1.4 ms · waited 100 µs · abandoned",
        "held back 1.2 ms · waited 400 µs · still running",
    } <= set(said)  # fmt: skip


def test_spans_are_said_beneath_what_made_them() -> None:
    said = words(plot(watched()))

    assert {
        "send_mail", "background", "warm_cache", "spawned",
        "middleware GZipMiddleware · 30.9 ms", "dependency get_db · 600 µs",
        "waits for a connection · 400 µs", "SQL SELECT carts · 1 ms",
        "calls payments.example · 5.4 ms", "validation · 200 µs", "close get_db · 600 µs",
        "render_mail in a thread · 9.4 ms", "redis SET · 7 ms",
        "requested to start", "span",
    } <= set(said)  # fmt: skip
    assert not {"immediate", "after_route", "schedule() to start", "error"} & set(said)


def test_a_wait_and_what_a_mode_holds_back_are_named_where_they_stand() -> None:
    long = TaskRecord("mail", "background", 5 * MS, 40 * MS, 70 * MS, 100 * MS, "ok")
    timeline = replace(watched(), tasks=[long], spans=[])

    assert {"held back 35 ms by its mode", "waited 30 ms", "ran 30 ms"} <= set(
        words(plot(timeline))
    )


def test_what_waits_still_is_said() -> None:
    held = TaskRecord("held", "background", 5 * MS)
    late = TaskRecord("late", "background", 5 * MS, 12 * MS)
    timeline = replace(watched(), tasks=[held, late], spans=[])

    said = words(plot(timeline))
    assert "still held back" in said
    assert "held back 7 ms · still waiting" in said


def test_folded_spans_say_how_many_they_are() -> None:
    said = words(plot(repeating(159)))

    assert "_with_session in a thread × 159 · 3 ms · TimeoutError" in said
    assert "error" in said


def test_spans_for_which_there_is_no_room_are_counted() -> None:
    recording = [watched(number, number * 50 * MS) for number in range(60)]
    recording[0].spans_dropped, recording[0].tasks_dropped = 1_000, 1

    said = words(plot(recording))
    assert {
        "960 spans not drawn", "1,000 earlier spans let go", "1 earlier task let go",
    } <= set(said)  # fmt: skip
    assert not any("SQL" in word for word in said)


def test_the_lane_of_a_span_is_lower_than_that_of_a_task() -> None:
    ax = plot(watched())
    drawn(figure_of(ax), 160)
    heights = {}
    for text in ax.findobj(Text):
        assert isinstance(text, Text)
        if text.get_text():
            heights[text.get_text()] = text.get_window_extent().y0

    carts, payments = (
        heights[f"{said} ms"] for said in ("SQL SELECT carts · 1", "calls payments.example · 5.4")
    )
    assert heights["send_mail"] - heights["warm_cache"] > 3 * (carts - payments)


def test_a_span_that_has_not_ended_and_one_whose_clock_went_back_are_said() -> None:
    spans = [Span("payments", "http", 5 * MS), Span("orders", "sql", 20 * MS, 15 * MS)]
    said = words(plot(replace(watched(), spans=spans)))

    assert {"calls payments · still open", "SQL orders · 5 ms · clock went back"} <= set(said)


def test_the_line_that_held_the_loop_is_said() -> None:
    timeline = checkout()
    timeline.busy = [Busy(13 * MS, 35 * MS, "send_mail", 2, "shop/mail.py:42 in render")]

    assert "held by send_mail at shop/mail.py:42 in render" in words(plot(timeline))
    wide = words(plot(timeline, width=14))
    assert "held by send_mail for 22 ms at shop/mail.py:42 in render" in wide


def test_a_clock_that_went_back_is_said() -> None:
    timeline = checkout()
    timeline.tasks[0].started = 0

    assert "clock went back" in words(plot(timeline))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("costs $5 or $6", "costs $5 or $6"),
        (r"\frac{a}{b} $x^2$", r"\frac{a}{b} $x^2$"),
        ("two\nlines\t", r"two\nlines\t"),
        ("\x1b[31mred\u202e", r"\x1b[31mred\u202e"),
        ("half \ud800", r"half \ud800"),
        ("日本 é", "□□ é"),
        ("<script>", "<script>"),
    ],
)
def test_names_are_literal(name: str, shown: str) -> None:
    timeline = checkout()
    timeline.tasks[0].name = name
    timeline.path = f"/{name}"

    said = words(plot(timeline))
    assert shown in said
    assert f"POST /{shown} #1" in said


def test_nothing_recorded_is_said() -> None:
    assert words(plot([])) == ["No request was recorded"]


def test_many_bars_have_fewer_words() -> None:
    said = words(plot(random_timelines(10, 100)))

    assert "10 requests, 1,000 tasks" in said
    assert not any(word.startswith("task_") for word in said)
    assert len(said) < 60
