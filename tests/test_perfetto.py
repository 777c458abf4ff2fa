"""Traces for Perfetto keep the rules that it drops events for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from fastapi_tasks.timeline import SPAN_KINDS, Busy, Span, TaskRecord, Timeline
from tests.samples import MS, WALL, checkout, random_timelines, repeating, watched
from tests.strategies import recordings, unhurried
from tests.trace_rules import Event, broken_rules, events_of
from visualize.perfetto import to_perfetto

BAR = {"ph": "X", "pid": 1, "tid": 2, "ts": 1.0, "dur": 5.0, "name": "a", "cat": "run"}
HEAD = [
    {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "a"}},
    {"ph": "M", "pid": 1, "name": "process_sort_index", "args": {"sort_index": 1}},
    {"ph": "M", "pid": 1, "tid": 2, "name": "thread_name", "args": {"name": "a"}},
    {"ph": "M", "pid": 1, "tid": 2, "name": "thread_sort_index", "args": {"sort_index": 2}},
]
FLOW = {"pid": 1, "tid": 2, "name": "schedule", "cat": "flow", "id": 7}


@pytest.mark.parametrize(
    ("events", "broken"),
    [
        ([BAR, BAR | {"ts": 2.0, "dur": 1.0}], []),
        ([BAR, BAR | {"ts": 6.0}], []),
        ([BAR, BAR | {"ts": 2.0}], ["bars overlap on (1, 2) at 2000"]),
        ([BAR | {"dur": 0.0}], ["a bar on (1, 2) at 1000 has no extent"]),
        ([BAR, FLOW | {"ph": "s", "ts": 1.0}, FLOW | {"ph": "f", "ts": 1.0, "bp": "e"}], []),
        (
            [BAR, FLOW | {"ph": "s", "ts": 6.0}, FLOW | {"ph": "f", "ts": 1.0, "bp": "e"}],
            ["arrow 7 starts in no bar"],
        ),
        (
            [FLOW | {"ph": "s", "ts": 1.0}, FLOW | {"ph": "f", "ts": 1.0}, BAR],
            ["arrow 7 ends at the next bar", "arrow 7 ends at no start"],
        ),
        ([BAR, FLOW | {"ph": "s", "ts": 1.0}], ["arrow 7 has ['s']"]),
    ],
)
def test_the_rule_check_finds_what_is_broken(events: list[Event], broken: list[str]) -> None:
    assert broken_rules(json.dumps({"traceEvents": [*HEAD, *events]})) == broken


def test_the_rule_check_finds_threads_without_a_name_of_their_own() -> None:
    alone = json.dumps({"traceEvents": [*HEAD, BAR | {"tid": 1}]})

    assert broken_rules(alone) == [
        "thread 1 has no name",
        "thread 1 has no sort_index",
        "thread 1 is taken for a process",
    ]


def test_a_checkout_keeps_the_rules() -> None:
    assert broken_rules(to_perfetto(checkout())) == []


def test_a_watched_request_keeps_the_rules() -> None:
    assert broken_rules(to_perfetto([watched(), repeating()])) == []


def test_many_requests_keep_the_rules() -> None:
    assert broken_rules(to_perfetto(random_timelines(20, 30))) == []


@unhurried
@given(recordings)
def test_any_recording_keeps_the_rules(recording: list[Timeline]) -> None:
    trace = to_perfetto(recording)

    assert broken_rules(trace) == []
    started = sum(task.started is not None for timeline in recording for task in timeline.tasks)
    assert sum(event["ph"] == "s" for event in events_of(trace)) == started
    spans = sum(len(timeline.spans) for timeline in recording)
    assert sum(event.get("cat") in SPAN_KINDS for event in events_of(trace)) == spans


def test_no_request_is_a_trace_too() -> None:
    assert to_perfetto([]) == (
        '{"displayTimeUnit":"ms","otherData":{"maker":"fastapi-tasks-timeline"},"traceEvents":[\n\n]}\n'
    )


def test_a_task_is_held_back_waits_and_runs_with_an_arrow_from_the_endpoint() -> None:
    task = TaskRecord("mail", "after_response", 2 * MS, 5 * MS, 6 * MS, 9 * MS, "error", "OSError")
    timeline = Timeline(
        4, "http", "GET", "/", WALL, 0, endpoint_start=MS, endpoint_end=4 * MS,
        response_start=4 * MS, response_sent=5 * MS, request_end=5 * MS, status=200, tasks=[task],
    )  # fmt: skip

    facts = {"mode": "after_response", "outcome": "error", "error": "OSError"}
    assert [event for event in events_of(to_perfetto(timeline)) if event["ph"] != "M"] == [
        {"ph": "X", "pid": 1, "tid": 2, "ts": 0.0, "dur": 1000.0,
         "name": "before the endpoint", "cat": "request", "args": {}},
        {"ph": "X", "pid": 1, "tid": 2, "ts": 1000.0, "dur": 3000.0,
         "name": "endpoint", "cat": "request", "args": {}},
        {"ph": "X", "pid": 1, "tid": 2, "ts": 4000.0, "dur": 1000.0,
         "name": "response being sent", "cat": "request", "args": {}},
        {"ph": "X", "pid": 1, "tid": 3, "ts": 2000.0, "dur": 3000.0,
         "name": "mail is held back", "cat": "held", "args": {}},
        {"ph": "X", "pid": 1, "tid": 3, "ts": 5000.0, "dur": 1000.0,
         "name": "mail waits", "cat": "wait", "args": {}},
        {"ph": "X", "pid": 1, "tid": 3, "ts": 6000.0, "dur": 3000.0,
         "name": "mail", "cat": "run", "args": facts},
        {"ph": "i", "pid": 1, "tid": 2, "ts": 4000.0, "s": "p", "name": "endpoint end"},
        {"ph": "i", "pid": 1, "tid": 2, "ts": 5000.0, "s": "p", "name": "response sent"},
        {"ph": "i", "pid": 1, "tid": 3, "ts": 5000.0, "s": "t", "name": "released"},
        {"ph": "i", "pid": 1, "tid": 3, "ts": 9000.0, "s": "t", "name": "error"},
        {"ph": "s", "pid": 1, "tid": 2, "ts": 2000.0, "id": 4, "name": "schedule", "cat": "flow"},
        {"ph": "f", "pid": 1, "tid": 3, "ts": 6000.0, "bp": "e", "id": 4,
         "name": "schedule", "cat": "flow"},
    ]  # fmt: skip


def on_tracks(trace: str) -> dict[str, list[str]]:
    """The names of the bars on the tracks of each name, in the order of the file."""
    events = events_of(trace)
    names = {
        event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"
    }
    found: dict[str, list[str]] = {name: [] for name in names.values()}
    for event in events:
        if event["ph"] == "X":
            found[names[event["tid"]]].append(event["name"])
    return found


def test_spans_stand_in_the_bar_that_made_them_or_beside_it() -> None:
    assert on_tracks(to_perfetto(watched())) == {
        "request": [
            "before the endpoint", "endpoint", "response being sent", "after the response",
        ],
        "request spans": [
            "middleware GZipMiddleware", "dependency get_db", "waits for a connection",
            "dependency current_user", "SQL SELECT users", "validation", "endpoint create_order",
            "SQL SELECT carts", "calls payments.example", "SQL INSERT orders", "serialization",
            "sending", "close get_db",
        ],
        "background": [
            "send_mail is held back", "send_mail waits", "send_mail",
            "render_mail in a thread", "SQL UPDATE orders",
        ],
        "spawned": ["warm_cache waits", "warm_cache", "redis SET"],
    }  # fmt: skip


def test_spans_that_fit_into_a_phase_stand_there() -> None:
    spans = [
        Span("app", "endpoint", 10, 60, id=0),
        Span("q", "sql", 20, 30, None, 0),
        Span("r", "sql", 25, 40, None, 0),
        Span("late", "http", 70, None, error="OSError", attributes={"peer": "a.example"}),
    ]
    timeline = Timeline(
        1, "http", "GET", "/", WALL, 0, endpoint_start=10, endpoint_end=60, response_sent=70,
        request_end=90, spans=spans,
    )  # fmt: skip
    trace = to_perfetto(timeline)

    assert broken_rules(trace) == []
    assert on_tracks(trace) == {
        "request": [
            "before the endpoint", "endpoint", "response being sent", "after the response",
            "endpoint app", "SQL q", "calls late",
        ],
        "request spans": ["SQL r"],
    }  # fmt: skip
    assert events_of(trace)[-1] == {
        "ph": "X", "pid": 1, "tid": 2, "ts": 0.07, "dur": 0.02, "name": "calls late",
        "cat": "http", "args": {"open": True, "error": "OSError", "peer": "a.example"},
    }  # fmt: skip


def test_tracks_beside_stand_next_to_their_own() -> None:
    events = events_of(to_perfetto(watched()))

    names = [event["args"]["name"] for event in events if event["name"] == "thread_name"]
    places = [event["args"]["sort_index"] for event in events if "thread_sort" in event["name"]]
    assert names == ["request", "request spans", "background", "spawned"]
    assert places == sorted(places)


def test_an_arrow_ends_at_its_task_and_not_at_what_is_inside_of_it() -> None:
    timeline = watched()
    timeline.spans[13].start = 12_300_000
    events = events_of(to_perfetto(timeline))

    arrow = next(place for place, event in enumerate(events) if event["ph"] == "f")
    starts = [place for place, event in enumerate(events) if event.get("ts") == 12_300.0]
    assert [(events[place]["ph"], events[place]["name"]) for place in starts] == [
        ("X", "send_mail"), ("f", "schedule"), ("X", "render_mail in a thread"),
    ]  # fmt: skip
    assert starts[1] == arrow


def test_what_was_let_go_is_said() -> None:
    timeline = watched()
    timeline.tasks_dropped, timeline.spans_dropped = 1, 1200
    first = events_of(to_perfetto(timeline))[0]

    assert first["args"] == {
        "name": "POST /orders #1 (1 earlier task let go, 1,200 earlier spans let go)"
    }


def test_the_line_that_held_the_loop_is_told() -> None:
    timeline = checkout()
    timeline.busy = [Busy(13 * MS, 35 * MS, "send_mail", 2, "shop/mail.py:42 in render")]
    (held,) = (event for event in events_of(to_perfetto(timeline)) if event.get("cat") == "loop")

    assert held["args"] == {"line": "shop/mail.py:42 in render"}


@pytest.mark.parametrize("step", [0, 1, 3])
def test_ten_thousand_spans_are_all_there(step: int) -> None:
    spans = [Span("q", "sql", at * step, 20_000 + at) for at in range(10_000)]
    trace = to_perfetto(Timeline(1, "http", "GET", "/", WALL, 0, request_end=9, spans=spans))

    assert sum(event.get("cat") == "sql" for event in events_of(trace)) == 10_000
    assert broken_rules(trace) == []
