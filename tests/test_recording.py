"""How what was recorded is written, read, put together and printed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from fastapi_tasks import (
    Busy,
    ClientView,
    Span,
    Timeline,
    from_json,
    load,
    merge,
    save,
    to_json,
)
from fastapi_tasks.errors import RecordingError

from .conftest import WALL
from .samples import MS, checkout, random_timelines, repeating, watched

MakeApp = Callable[..., FastAPI]


class TestJsonLines:
    @given(st.integers(0, 4), st.integers(0, 5), st.integers(0, 1000))
    def test_round_trips_exactly(self, requests: int, tasks: int, seed: int) -> None:
        timelines = [checkout(), repeating(), *random_timelines(requests, tasks, seed)]
        assert from_json(to_json(timelines)) == timelines

    def test_is_one_line_per_timeline_with_a_format_version(self) -> None:
        text = to_json([checkout(1), checkout(2, at=MS)])
        lines = [json.loads(line) for line in text.splitlines()]
        assert [(line["format"], line["id"]) for line in lines] == [(1, 1), (1, 2)]
        assert text.endswith("}\n")
        assert to_json(checkout()) == to_json([checkout()])
        assert to_json([]) == ""

    def test_leaves_out_what_has_its_default(self) -> None:
        timeline = Timeline(1, "http", "GET", "/", WALL, 5)
        assert to_json(timeline) == (
            '{"format":1,"id":1,"kind":"http","method":"GET","path":"/",'
            f'"wall":{WALL},"request_start":5}}\n'
        )

    def test_goes_to_a_file_and_back(self, tmp_path: Path) -> None:
        timelines = random_timelines(3, 2)
        save(timelines, tmp_path / "run.jsonl")
        assert load(tmp_path / "run.jsonl") == timelines

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                to_json(checkout()) + to_json(checkout())[:-40],
                "line 2 is not a whole JSON object, perhaps cut off (",
            ),
            ("hello\n", "line 1 is not a whole JSON object, perhaps cut off ("),
            ("\n\n[1, 2]\n", "line 3 is not a timeline, it has no format version: "),
            ('{"name": "x"}\n', "line 1 is not a timeline, it has no format version: "),
            (
                '{"format": 2}\n',
                "line 1 has format version 2, and this release reads only 1: "
                "read it with the release that wrote it",
            ),
            (
                '{"format": 1, "id": 1}',
                "line 1 is damaged, kind: field required: remove the line, or record again",
            ),
            (
                to_json(checkout()).replace('"request_start":0', '"request_start":"soon"'),
                "line 1 is damaged, request_start: input should be a valid integer: "
                "remove the line, or record again",
            ),
            (
                to_json(checkout()).replace('"mode":"immediate"', '"mode":"whenever"'),
                "line 1 is damaged, tasks.0.mode: input should be 'immediate', 'after_route', "
                "'after_response', 'background' or 'spawned': remove the line, or record again",
            ),
        ],
    )
    def test_a_reader_names_the_line_and_what_is_wrong(self, text: str, message: str) -> None:
        with pytest.raises(RecordingError) as caught:
            from_json(text)
        assert str(caught.value).startswith(message)

    def test_a_file_is_named_too(self, tmp_path: Path) -> None:
        path = tmp_path / "run.jsonl"
        path.write_bytes(b"\x89PNG\r\n\x1a\n")
        with pytest.raises(RecordingError, match=r"run\.jsonl: line 1 is not text"):
            load(path)
        path.write_text("{}")
        with pytest.raises(RecordingError, match=r"run\.jsonl: line 1 is not a timeline"):
            load(path)


class TestMerge:
    def test_puts_workers_on_the_wall_clock_in_order_of_their_start(self) -> None:
        early, late = checkout(1, at=0), checkout(1, at=0)
        late.process, late.wall = 8, early.wall + 5 * MS
        late.request_start += 999  # another clock, with another origin
        merged = merge([late], [early])
        assert [one.process for one in merged] == [7, 8]
        assert [one.request_start for one in merged] == [early.wall, late.wall]
        first = merged[0]
        assert first.tasks[0].started == early.wall + round(1.1 * MS)
        assert first.busy == [Busy(early.wall + 13 * MS, early.wall + 35 * MS, "send_mail", 2)]
        assert first.client is not None
        assert first.client.received == early.wall + round(13.4 * MS)
        assert early == checkout(1)
        # Merged again, nothing moves any more.
        assert merge(merged) == merged

    def test_accepts_clocks_that_go_backwards(self) -> None:
        timelines = [checkout(1), checkout(2, at=100 * MS)]
        timelines[1].wall -= 500 * MS
        assert [one.id for one in merge(timelines)] == [2, 1]


class TestText:
    def test_a_timeline_is_a_table(self) -> None:
        assert str(checkout()) == "\n".join(
            [
                "POST /checkout #1  200  |  endpoint end 12.0 ms  |  response start 12.2 ms  |  "
                "response sent 12.6 ms",
                "task              mode            requested  released  started  finished  outcome",
                "validate_payment  immediate       1.0 ms     1.0 ms    1.1 ms   31.0 ms   ok",
                "finalize_order    after_route     11.0 ms    12.1 ms   12.3 ms  24.0 ms   ok",
                "send_mail         after_response  11.2 ms    12.6 ms   12.7 ms  42.0 ms   ok",
                "print_label       after_response  11.4 ms    12.6 ms   13.0 ms  30.0 ms   ok",
                "notify_shipping   after_response  11.5 ms    12.6 ms   12.8 ms  20.0 ms   "
                "error ConnectionError",
                "audit             immediate       25.0 ms    25.0 ms   25.1 ms  27.0 ms   ok",
            ]
        )
        assert repr(checkout()) == "<Timeline POST /checkout #1: 200, 6 tasks>"

    def test_spans_are_lines_below_the_tasks(self) -> None:
        timeline = watched()
        timeline.spans[7].error, timeline.spans[14].end = "OperationalError", None
        assert str(timeline) == "\n".join(
            [
                "POST /orders #1  200  |  endpoint end 11.0 ms  |  response start 11.6 ms  |  "
                "response sent 12.1 ms",
                "task        mode        requested  released  started  finished  outcome",
                "send_mail   background  9.9 ms     12.1 ms   12.3 ms  30.0 ms   ok",
                "warm_cache  spawned     10.2 ms    10.2 ms   10.4 ms  19.0 ms   ok",
                "span                       of          start     end       outcome",
                "middleware GZipMiddleware  request     50.0 µs   30.9 ms   ok",
                "  dependency get_db        request     300.0 µs  900.0 µs  ok",
                "    pool                   request     400.0 µs  800.0 µs  ok",
                "  dependency current_user  request     950.0 µs  1.6 ms    ok",
                "    sql SELECT users       request     1.1 ms    1.6 ms    ok",
                "  validation               request     1.6 ms    1.9 ms    ok",
                "  endpoint create_order    request     1.9 ms    11.0 ms   ok",
                "    sql SELECT carts       request     2.1 ms    3.1 ms    error OperationalError",
                "    http payments.example  request     3.2 ms    8.6 ms    ok",
                "    sql INSERT orders      request     8.8 ms    9.8 ms    ok",
                "  serialization            request     11.1 ms   11.5 ms   ok",
                "  sending                  request     11.6 ms   12.1 ms   ok",
                "  close get_db             request     30.2 ms   30.8 ms   ok",
                "thread render_mail         send_mail   12.6 ms   22.0 ms   ok",
                "sql UPDATE orders          send_mail   22.4 ms   –         running",
                "redis SET                  warm_cache  11.0 ms   18.0 ms   ok",
            ]
        )

    def test_very_many_spans_are_counted(self) -> None:
        spans = [Span("q\n", "sql", at, at + 1, task=9) for at in range(10_000)]
        timeline = Timeline(3, "http", "GET", "/x", WALL, 0, spans=spans)
        timeline.tasks_dropped, timeline.spans_dropped = 2, 1
        lines = str(timeline).splitlines()
        assert len(lines) == 2 + 50 + 3
        assert lines[2] == r"sql q\n  a task that was let go  0 ns   1 ns   ok"
        assert lines[-3:] == [
            "… and 9,950 more spans",
            "… and 2 earlier tasks, let go",
            "… and 1 earlier span, let go",
        ]

    def test_deep_spans_stay_on_the_screen(self) -> None:
        spans = [Span("q", "sql", at, 99, parent=at - 1) for at in range(40)]
        timeline = Timeline(3, "http", "GET", "/x", WALL, 0, spans=spans)
        lines = str(timeline).splitlines()[2:]
        assert [len(line) - len(line.lstrip()) for line in lines] == [
            min(2 * depth, 40) for depth in range(40)
        ]

    def test_says_what_is_open_failed_or_aborted(self) -> None:
        timeline = Timeline(3, "http", "GET", "/x", WALL, 0)
        assert (repr(timeline), str(timeline)) == (
            "<Timeline GET /x #3: open, 0 tasks>",
            "GET /x #3",
        )
        timeline.error, timeline.endpoint_end = "ValueError", 2 * MS
        timeline.request_end, timeline.aborted = 3 * MS, True
        assert str(timeline) == (
            "GET /x #3  |  failed with ValueError  |  endpoint end 2.0 ms  |  "
            "response aborted 3.0 ms"
        )

    def test_knows_its_last_moment(self) -> None:
        assert checkout().last == 42 * MS
        assert checkout().settled


class TestARecord:
    @pytest.mark.parametrize("make", [checkout, watched])
    def test_equals_another_with_the_same_facts(self, make: Callable[[], Timeline]) -> None:
        one, other = make(), make()
        assert one == other
        other.tasks[-1].outcome = "cancelled"
        assert one != other

    def test_of_another_kind_is_another(self) -> None:
        assert Busy(1, 2, "mail") != ClientView(1, 2)
        assert ClientView(1) != (1, None, None)

    def test_can_change_so_that_it_has_no_hash(self) -> None:
        with pytest.raises(TypeError, match="unhashable"):
            hash(ClientView(1))

    def test_shows_all_that_it_holds(self) -> None:
        assert repr(Busy(1, 2, "mail", line="shop.py:3")) == (
            "Busy(start=1, end=2, culprit='mail', task=None, line='shop.py:3', thread=False)"
        )
