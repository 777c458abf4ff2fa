"""Spans nest under the bar that made them; where they are many they are folded, and counted."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_tasks.nesting import in_order, parents
from fastapi_tasks.timeline import SPAN_KINDS, Span, TaskRecord, Timeline
from tests.samples import MS, WALL, repeating, watched
from tests.strategies import recordings, spans, unhurried
from visualize.layout import Bar, Scene, Spans, arrange
from visualize.layout.nest import FEW, MOST, Piece, branches, pieces
from visualize.words import SPAN_WORDS, span_words

WAYS: list[Spans] = ["all", "folded", "packed", "counted"]


def request(*found: Span, **known: object) -> Timeline:
    """A request from 0 to 100 with these spans."""
    blank = Timeline(1, "http", "GET", "/", WALL, 0, request_end=100, spans=list(found))
    return replace(blank, **known)  # type: ignore[arg-type]


def tree(scene: Scene) -> list[str]:
    """The names of the lanes below the request's, indented as deep as they are."""
    return [
        "  " * lane.depth + lane.label + (f" × {lane.times}" if lane.times > 1 else "")
        for lane in scene.lanes
        if lane.kind in ("span", "task")
    ]


def shown(scene: Scene) -> list[tuple[int, int, int, str]]:
    return [(b.lane, b.start, b.end, b.label) for b in scene.bars if b.kind == "span"]


def test_spans_nest_under_the_request_and_the_tasks_that_made_them() -> None:
    assert tree(arrange(watched())) == [
        "middleware GZipMiddleware",
        "  dependency get_db",
        "    waits for a connection",
        "  dependency current_user",
        "    SQL SELECT users",
        "  validation",
        "  endpoint create_order",
        "    SQL SELECT carts",
        "    calls payments.example",
        "    SQL INSERT orders",
        "  serialization",
        "  sending",
        "  close get_db",
        "send_mail",
        "render_mail in a thread",
        "SQL UPDATE orders",
        "warm_cache",
        "redis SET",
    ]


def test_a_span_is_plain_data() -> None:
    task = TaskRecord("mail", "spawned", 10, 10, 20, 90, "ok", id=7)
    query = Span("INSERT", "sql", 30, 40, task=7, error="OSError", id=3)
    scene = arrange(request(query, tasks=[task]))

    assert [lane for lane in scene.lanes if lane.kind == "span"] == [
        ("span", "SQL INSERT", 0, 0, None, False, 0, 1)
    ]
    assert [bar for bar in scene.bars if bar.kind == "span"] == [
        Bar(2, 30, 40, "span", 0, 0, label="SQL INSERT", span=0, error="OSError")
    ]
    assert scene.groups[0].counted == 0


def test_packed_spans_share_a_lane_with_those_beside_them() -> None:
    scene = arrange(watched(), spans="packed")

    assert [lane.label for lane in scene.lanes if lane.kind == "span"] == [
        "middleware GZipMiddleware", "", "", "", "redis SET",
    ]  # fmt: skip
    lanes = {bar.label: bar.lane for bar in scene.bars if bar.kind == "span"}
    assert lanes["dependency get_db"] == lanes["endpoint create_order"] == lanes["close get_db"]
    assert lanes["waits for a connection"] == lanes["SQL SELECT carts"] == 3


def test_packed_spans_that_overlap_have_a_lane_each() -> None:
    several = (Span(name, "http", start, 50, parent=0) for name, start in (("a", 5), ("b", 10)))
    scene = arrange(request(Span("outer", "endpoint", 0, 60), *several), spans="packed")

    assert tree(scene) == ["endpoint outer", "  calls a", "  calls b"]


def test_spans_that_nobody_draws_are_counted() -> None:
    scene = arrange(watched(), spans="counted")

    assert shown(scene) == []
    assert scene.groups[0].counted == 16
    assert tree(scene) == ["send_mail", "warm_cache"]


def test_many_requests_draw_their_spans_on_fewer_lanes_or_count_them() -> None:
    def ways(requests: int) -> tuple[int, int]:
        scene = arrange([watched(number, number * MS) for number in range(requests)])
        return len(scene.lanes), sum(group.counted for group in scene.groups)

    assert ways(2) == (2 * 19, 0)
    assert ways(9) == (9 * 8, 0)
    assert ways(11) == (11 * 3, 11 * 16)
    assert ways(60)[1] == 60 * 16


def test_repeats_are_folded_where_there_are_many() -> None:
    scene = arrange(repeating(159))

    assert tree(scene)[7:11] == [
        "    SQL SELECT carts",
        "    calls payments.example",
        "      _with_session in a thread × 159",
        "    SQL INSERT orders",
    ]
    bars = [bar for bar in scene.bars if bar.times == 159]
    assert len(bars) == 159
    assert {bar.span for bar in bars} == {16}
    assert [bar.error for bar in bars if bar.error] == ["TimeoutError"]
    assert all(one.end < other.start for one, other in pairwise(bars))


def test_few_repeats_are_not_folded() -> None:
    some = [Span("SELECT", "sql", at, at + 1) for at in range(FEW)]

    assert len(tree(arrange(request(*some)))) == FEW
    more = Span("SELECT", "sql", 60, 61)
    assert tree(arrange(request(*some, more))) == [f"SQL SELECT × {FEW + 1}"]
    assert len(tree(arrange(request(*some, more), spans="all"))) == FEW + 1


def test_what_is_inside_of_folded_spans_is_folded_with_them() -> None:
    outer = [Span("outer", "dependency", 3 * at, 3 * at + 2, id=at) for at in range(20)]
    inner = [Span("inner", "sql", 3 * at, 3 * at + 1, parent=at, id=20 + at) for at in range(20)]

    assert tree(arrange(request(*outer, *inner))) == ["dependency outer × 20", "  SQL inner × 20"]


def test_beyond_the_most_the_shortest_are_counted_and_no_failure_is_among_them() -> None:
    found = [Span(f"q{at}", "sql", at, at + 1 + at) for at in range(40)]
    found[0].error = "OSError"

    names = tree(arrange(request(*found)))
    assert len(names) == MOST + 1
    assert names[0] == "SQL q0"
    assert names[1:-1] == [f"SQL q{at}" for at in range(17, 40)]
    assert names[-1] == "16 more spans"


def test_a_branch_whose_parent_is_not_drawn_moves_up() -> None:
    short = [Span(f"d{at}", "dependency", 1, 2, parent=0, id=1 + at) for at in range(25)]
    found = [Span("app", "endpoint", 0, 90, id=0), *short]
    found += [Span(f"q{at}", "sql", 1, 50, parent=1 + at, id=50 + at) for at in range(23)]

    names = tree(arrange(request(*found)))
    assert names == ["endpoint app", *(f"  SQL q{at}" for at in range(23)), "25 more spans"]


@pytest.mark.parametrize("way", WAYS)
def test_ten_thousand_spans_are_drawn_or_counted(way: Spans) -> None:
    found = [
        Span(f"q{at % 500}", "sql", at, at + 1 + at % 7, parent=at // 3 if at % 2 else None)
        for at in range(10_000)
    ]
    scene = arrange(request(*found), spans=way)

    drawn = {bar.span: bar.times for bar in scene.bars if bar.kind == "span"}
    more = [lane.label for lane in scene.lanes if lane.label.endswith("more spans")]
    left = sum(int(label.split()[0].replace(",", "")) for label in more)
    rest = {bar.span for bar in scene.bars if bar.label in more}
    named = sum(times for span, times in drawn.items() if span not in rest)
    assert named + left + scene.groups[0].counted == 10_000
    assert len(more) == (way in ("folded", "packed"))


def test_spans_without_an_end_reach_to_the_end_of_the_scene() -> None:
    scene = arrange(request(Span("open", "http", 5), Span("late", "sql", 90, 150)))

    assert [(bar.start, bar.end, bar.open) for bar in scene.bars if bar.kind == "span"] == [
        (5, 150, True),
        (90, 150, False),
    ]
    assert scene.end == 150


def test_a_span_that_ended_before_it_started_is_mirrored() -> None:
    (bar,) = (b for b in arrange(request(Span("odd", "sql", 9, 4))).bars if b.kind == "span")

    assert (bar.start, bar.end, bar.backwards) == (4, 9, True)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([Span("a", "sql", 0, parent=9)], [None]),
        ([Span("a", "sql", 0, parent=0)], [None]),
        ([Span("a", "sql", 0, parent=1), Span("b", "sql", 0, parent=0)], [None, 0]),
        (
            [Span("a", "sql", 0), Span("b", "sql", 0, parent=0), Span("c", "sql", 0, parent=1)],
            [None, 0, 1],
        ),
        ([Span("a", "sql", 0, task=1), Span("b", "sql", 0, parent=0)], [None, None]),
        (
            [Span("a", "sql", 0, parent=above) for above in (2, 2, 1)],
            [2, None, 1],
        ),
        ([Span("b", "sql", 0, parent=41, id=42), Span("a", "sql", 0, id=41)], [1, None]),
    ],
    ids=["let go", "itself", "circle", "chain", "of another task", "into a circle", "numbered"],
)
def test_who_is_inside_of_whom(found: list[Span], expected: list[int | None]) -> None:
    assert parents(request(*found).spans) == expected


@unhurried
@given(st.lists(spans, max_size=12))
def test_each_span_is_listed_once_and_one_deeper_than_its_parent(found: list[Span]) -> None:
    known = request(*found).spans
    above = parents(known)

    depths = dict(in_order(known))
    assert sorted(depths) == list(range(len(known)))
    for place, parent in enumerate(above):
        assert depths[place] == (0 if parent is None else depths[parent] + 1)


@unhurried
@given(recordings, st.sampled_from(WAYS))
def test_every_span_is_drawn_or_counted(recording: list[Timeline], way: Spans) -> None:
    """Those that are drawn stand on a lane beneath their task or request."""
    scene = arrange(recording, lanes="task", spans=way)

    for number, group in enumerate(scene.groups):
        bars = [bar for bar in scene.bars if bar.kind == "span" and bar.request == number]
        known = {span for bar in bars if (span := bar.span) is not None}
        total = len(group.timeline.spans)
        assert group.counted == (total if way == "counted" else 0)
        assert len(known) <= total
        assert bool(known) == bool(total and way != "counted")
        for bar in bars:
            assert scene.lanes[bar.lane][:4] in (
                ("span", bar.label, number, bar.task),
                ("span", "", number, bar.task),
            )
        if way == "all":
            assert known == set(range(total))


@unhurried
@given(st.lists(spans, max_size=12))
def test_pieces_cover_their_spans_and_do_not_touch(found: list[Span]) -> None:
    covered = pieces(found, 60 * MS)

    assert all(one.end < other.start for one, other in pairwise(covered))
    for span in found:
        ends = sorted((span.start, 60 * MS if span.end is None else span.end))
        assert any(piece.start <= ends[0] and ends[1] <= piece.end for piece in covered)


def test_pieces_that_touch_are_one() -> None:
    found = [Span("a", "sql", 1, 3), Span("b", "sql", 3, None, error="E"), Span("c", "sql", 20, 22)]

    assert pieces(found, 9) == (Piece(1, 9, open=True, error="E"), Piece(20, 22))


def test_branches_come_with_what_is_inside_of_them() -> None:
    found = branches(watched(), 31 * MS)

    assert [(one.task, one.depth, one.span) for one in found[:4]] == [
        (None, 0, 0), (None, 1, 1), (None, 2, 2), (None, 1, 3),
    ]  # fmt: skip
    assert [one.extent for one in found[-1:]] == [(11 * MS, 18 * MS)]


def test_every_kind_has_words() -> None:
    assert tuple(SPAN_WORDS) == SPAN_KINDS
    assert span_words("sql", "SELECT orders") == "SQL SELECT orders"
    assert span_words("thread", "render {} 5%") == "render {} 5% in a thread"
    assert span_words("pool", "") == "waits for a connection"
    assert span_words("validation", "validation") == "validation"
    assert span_words("http", "payments.example") == "calls payments.example"
    assert span_words("telemetry", "fetch") == "fetch"
