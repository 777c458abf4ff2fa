"""A recording in numbers, and what held its event loop, counted once."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_tasks import Busy, Span, TaskRecord, Timeline
from fastapi_tasks.timeline import MODES
from tests.samples import MS, WALL, checkout, random_timelines
from tests.strategies import recordings, unhurried
from visualize import summary
from visualize.answers.loop import holds
from visualize.answers.summary import Row, Spread, rank, spread


def request(number: int = 1, **known: object) -> Timeline:
    blank = Timeline(number, "http", "POST", "/orders", WALL, 0, route="/orders", process=7)
    return replace(blank, **known)  # type: ignore[arg-type]


def row(timelines: list[Timeline], name: str) -> Row:
    rows = summary(timelines)
    return next(one for one in (*rows.routes, *rows.tasks, *rows.spans) if one.name == name)


# Percentiles ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "n", "position"),
    [(50, 1, 0), (95, 1, 0), (50, 2, 0), (50, 3, 1), (95, 20, 18), (95, 21, 19), (99, 100, 98),
     (99, 101, 99), (100, 7, 6)],
)  # fmt: skip
def test_a_percentile_has_the_nearest_rank_above(percent: int, n: int, position: int) -> None:
    assert rank(percent, n) == position


@given(st.lists(st.integers(), min_size=1))
def test_a_percentile_was_measured_and_so_many_are_not_above_it(durations: list[int]) -> None:
    found = spread(durations)
    assert found is not None
    assert found.n == len(durations)
    for percent, value in ((50, found.p50), (95, found.p95), (99, found.p99), (100, found.max)):
        assert value in durations
        assert sum(one <= value for one in durations) * 100 >= percent * found.n
        assert sum(one < value for one in durations) * 100 < percent * found.n


def test_of_nothing_there_is_no_percentile() -> None:
    assert spread([]) is None


# Rows ----------------------------------------------------------------------------------------


def test_a_checkout_has_a_row_for_its_route_and_for_each_task() -> None:
    found = summary(checkout())
    assert found.routes == (
        Row("route", "POST /checkout", "", 1, 0, response=Spread(1, *[12_600_000] * 4)),
    )
    assert found.tasks[1] == Row(
        "task", "send_mail", "after_response", 1, 0, wait=Spread(1, *[100_000] * 4),
        run=Spread(1, *[29_300_000] * 4), held=22 * MS,
    )  # fmt: skip
    assert [one.errors for one in found.tasks] == [0, 0, 0, 0, 1, 0]


def test_rows_stand_in_the_order_of_the_time_they_took() -> None:
    names = [one.name for one in summary(checkout()).tasks]
    assert names == [
        "validate_payment", "send_mail", "print_label", "finalize_order", "notify_shipping",
        "audit",
    ]  # fmt: skip


def test_requests_of_one_route_are_one_row_and_those_without_go_by_path() -> None:
    paths = [("/a/1", "/a/{n}"), ("/a/2", "/a/{n}"), ("/b", None), ("/a/1", None)]
    timelines = [request(path=path, route=route) for path, route in paths]
    assert {(one.name, one.n) for one in summary(timelines).routes} == {
        ("POST /a/{n}", 2), ("POST /b", 1), ("POST /a/1", 1),
    }  # fmt: skip


def test_one_function_in_two_modes_is_two_rows() -> None:
    tasks = [TaskRecord("mail", mode, 0) for mode in MODES[:2]]
    rows = summary([request(tasks=tasks)]).tasks
    assert [(one.name, one.mode, one.n) for one in rows] == [
        ("mail", "immediate", 1),
        ("mail", "after_route", 1),
    ]


def test_what_user_code_starts_and_cancels_itself_is_no_error() -> None:
    tasks = [TaskRecord("poll", mode, 0, 0, 2, 5, "cancelled") for mode in MODES]
    tasks += [TaskRecord("poll", mode, 0, 0, 2, 5, "error", "KeyError") for mode in MODES]
    rows = summary([request(tasks=tasks)]).tasks
    assert {one.mode: one.errors for one in rows} == dict.fromkeys(MODES, 2) | {"spawned": 1}


def test_a_number_says_of_how_many_it_is() -> None:
    tasks = [
        TaskRecord("mail", "immediate", 0, 0, 2, 5, "ok"),
        TaskRecord("mail", "immediate", 0, 0, 7),
        TaskRecord("mail", "immediate", 0, outcome="discarded"),
    ]
    mail = row([request(tasks=tasks)], "mail")
    assert (mail.n, mail.errors) == (3, 1)
    assert mail.wait == Spread(2, 2, 7, 7, 7)
    assert mail.run == Spread(1, 3, 3, 3, 3)


@pytest.mark.parametrize(
    ("status", "error", "errors"),
    [(200, None, 0), (404, "HTTPException", 0), (500, None, 1), (503, "HTTPException", 1),
     (200, "ValueError", 1), (None, "ValueError", 1), (None, None, 0)],
)  # fmt: skip
def test_a_request_failed_if_it_has_no_answer_below_500(
    status: int | None, error: str | None, errors: int
) -> None:
    assert row([request(status=status, error=error)], "POST /orders").errors == errors


def test_spans_have_rows_of_their_own() -> None:
    spans = [
        Span("get_db", "dependency", 0, 3),
        Span("get_db", "close", 5, 6),
        Span("get_db", "close", 7, 11, error="OSError"),
        Span("get_db", "close", 12),
    ]
    rows = summary([request(spans=spans)]).spans
    assert rows == (
        Row("span", "get_db", "close", 3, 1, run=Spread(2, 1, 4, 4, 4)),
        Row("span", "get_db", "dependency", 1, 0, run=Spread(1, 3, 3, 3, 3)),
    )


def test_what_is_no_timeline_is_refused() -> None:
    with pytest.raises(TypeError, match="is not a Timeline"):
        summary(["POST /orders"])  # type: ignore[list-item]


# What held the loop --------------------------------------------------------------------------


def waiting(number: int, *seen: Busy) -> Timeline:
    return request(number, busy=list(seen))


def test_a_step_that_many_waited_for_is_counted_once_and_for_its_culprit() -> None:
    task = TaskRecord("resize", "immediate", 0, 0, 10 * MS, 60 * MS, "ok")
    culprit = request(1, tasks=[task], busy=[Busy(10 * MS, 60 * MS, "resize", 0, "shop.py:4")])
    seen = Busy(10 * MS, 60 * MS, "resize of POST /orders #1")
    timelines = [waiting(2, seen), culprit, waiting(3, seen)]
    (hold,) = holds(timelines)[7]
    assert (hold.timeline, hold.task, hold.line) == (culprit, task, "shop.py:4")
    assert row(timelines, "resize").held == 50 * MS
    assert row(timelines, "POST /orders").held == 0


def test_a_step_of_the_request_itself_counts_for_its_route() -> None:
    timelines = [request(1, busy=[Busy(0, 30 * MS, "POST /orders #1")])]
    assert row(timelines, "POST /orders").held == 30 * MS


def test_a_culprit_that_is_not_in_the_recording_counts_for_nobody() -> None:
    timelines = [waiting(2, Busy(0, 30 * MS, "resize of POST /orders #1"))]
    assert [hold.culprit for hold in holds(timelines)[7]] == ["resize of POST /orders #1"]
    assert row(timelines, "POST /orders").held == 0


def test_processes_have_loops_of_their_own() -> None:
    timelines = [
        request(1, busy=[Busy(0, 30 * MS, "POST /orders #1")]),
        request(1, process=8, busy=[Busy(0, 30 * MS, "POST /orders #1")]),
    ]
    assert row(timelines, "POST /orders").held == 60 * MS


def test_a_step_watched_in_two_layers_is_one() -> None:
    outer, inner = Busy(0, 700 * MS, "POST /orders #1"), Busy(1, 699 * MS, "POST /orders #1")
    assert row([request(1, busy=[inner, outer])], "POST /orders").held == 700 * MS


def test_a_step_inside_another_one_has_its_time() -> None:
    tasks = [TaskRecord("resize", "immediate", 0, id=0)]
    busy = [Busy(0, 100 * MS, "POST /orders #1"), Busy(20 * MS, 60 * MS, "resize", 0)]
    timelines = [request(1, tasks=tasks, busy=busy)]
    assert row(timelines, "resize").held == 40 * MS
    assert row(timelines, "POST /orders").held == 60 * MS


@given(recordings)
@unhurried
def test_no_moment_is_held_twice(recording: list[Timeline]) -> None:
    for process, found in holds(recording).items():
        assert {hold.process for hold in found} == {process}
        for before, after in pairwise(found):
            assert before.start < before.end <= after.start < after.end
        moments = {
            moment
            for one in recording
            for busy in one.busy
            if one.process == process and busy.start < busy.end
            for moment in (busy.start, busy.end)
        }
        assert sum(hold.lasted for hold in found) <= max(moments) - min(moments)


# As a table ----------------------------------------------------------------------------------


def test_a_summary_is_a_table() -> None:
    tasks = [TaskRecord("mail", "after_route", 0, MS, MS, 70_500_000, "ok")]
    timelines = [
        request(1, response_sent=1_234_567, tasks=tasks),
        request(2, response_sent=2 * MS, error="OSError", busy=[Busy(0, MS, "POST /orders #2")]),
    ]
    assert str(summary(timelines)).splitlines() == [
        "request       n  errors                p50   p95   p99   max  held",
        "POST /orders  2       1  response  1.23 ms  2 ms  2 ms  2 ms  1 ms",
        "",
        "task           n  errors            p50      p95      p99      max  held",
        "mail           1       0  wait        0        0        0        0     –",
        "  after_route             run   69.5 ms  69.5 ms  69.5 ms  69.5 ms",
    ]


def test_nothing_recorded_is_said_in_words() -> None:
    assert str(summary([])) == summary([]).to_markdown() == "No request was recorded."


@pytest.mark.parametrize("width", [60, 72, 80, 100, 120])
def test_a_table_keeps_its_width_and_its_main_numbers(width: int) -> None:
    timelines = [*random_timelines(40, 3), checkout()]
    timelines[0].tasks[0].name = "名前" * 40
    lines = summary(timelines).to_text(width).splitlines()
    assert all(len(line) + line.count("名") + line.count("前") <= width for line in lines)
    heads = [line.split() for line in lines if "p50" in line]
    assert len(heads) == 2
    assert all({"n", "errors", "p50", "p95"} <= set(head) for head in heads)
    assert ("p99" in heads[0]) == (width >= 100)
    assert any(line.startswith("名前") and "…" in line for line in lines)
    assert any(line.split()[0] == "validate_payment" for line in lines if line)


def test_markdown_has_the_same_numbers_and_gives_names_no_meaning() -> None:
    timeline = checkout()
    timeline.tasks[0].name = "a|b `c` <img>\n"
    written = summary(timeline).to_markdown().splitlines()
    assert written[0] == "| request | n | errors |  | p50 | p95 | p99 | max | held |"
    assert written[2].startswith("| `POST /checkout` | 1 | 0 | response | 12.6 ms |")
    assert written[6].startswith("| ``a\\|b `c` <img>\\n`` immediate | 1 | 0 | wait | 100 µs |")


@given(recordings, st.integers(60, 120))
@unhurried
def test_any_recording_has_a_summary(recording: list[Timeline], width: int) -> None:
    found = summary(recording)
    assert sum(one.n for one in found.routes) == len(recording)
    assert sum(one.n for one in found.tasks) == sum(len(one.tasks) for one in recording)
    for line in (found.to_text(width) + found.to_markdown()).split("\n"):
        assert line.isprintable()
