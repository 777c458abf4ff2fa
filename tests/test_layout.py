"""Timelines become lanes, bars, marks, signs and arrows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fastapi_tasks.timeline import Busy, ClientView, TaskRecord, Timeline
from tests.samples import MS, WALL, checkout, random_timelines
from visualize.layout import Arrow, Bar, Group, Lane, Mark, Scene, Sign, arrange, arrange_all


def request(**known: object) -> Timeline:
    """A request that started at 0, of which no more than `known` is known."""
    blank = Timeline(1, "http", "GET", "/", WALL, 0)
    return replace(blank, **known)  # type: ignore[arg-type]


def kinds(timeline: Timeline) -> list[tuple[str, int, int, bool]]:
    """Its bars, in short."""
    return [(bar.kind, bar.start, bar.end, bar.open) for bar in arrange(timeline).bars]


def test_a_checkout_has_a_lane_for_each_task() -> None:
    timeline = checkout()
    scene = arrange(timeline)

    assert scene.lanes == (
        Lane("client", "client", 0),
        Lane("request", "POST /checkout #1", 0),
        Lane("task", "validate_payment", 0, 0, "immediate"),
        Lane("task", "finalize_order", 0, 1, "after_route"),
        Lane("task", "send_mail", 0, 2, "after_response"),
        Lane("task", "print_label", 0, 3, "after_response", thread=True),
        Lane("task", "notify_shipping", 0, 4, "after_response"),
        Lane("task", "audit", 0, 5, "immediate"),
        Lane("loop", "event loop", 0),
    )
    assert scene.groups == (Group("POST /checkout #1", 0, 8, timeline),)
    assert (scene.origin, scene.start, scene.end) == (0, -800_000, 42 * MS)


def test_a_request_is_a_scene_of_plain_data() -> None:
    task = TaskRecord("mail", "after_response", 2 * MS, 5 * MS, 6 * MS, 9 * MS, "error", "OSError")
    timeline = Timeline(
        7, "http", "GET", "/", WALL, MS, endpoint_start=MS, endpoint_end=4 * MS,
        response_start=4 * MS, response_sent=5 * MS, request_end=6 * MS, status=200, tasks=[task],
        busy=[Busy(6 * MS, 8 * MS, "mail", 0)], client=ClientView(0, 5 * MS, 6 * MS),
    )  # fmt: skip

    assert arrange(timeline) == Scene(
        origin=MS,
        start=-MS,
        end=8 * MS,
        lanes=(
            Lane("client", "client", 0),
            Lane("request", "GET / #7", 0),
            Lane("task", "mail", 0, 0, "after_response"),
            Lane("loop", "event loop", 0),
        ),
        groups=(Group("GET / #7", 0, 3, timeline),),
        bars=(
            Bar(0, -MS, 4 * MS, "waiting", 0),
            Bar(0, 4 * MS, 5 * MS, "receiving", 0),
            Bar(1, 0, 0, "before", 0),
            Bar(1, 0, 3 * MS, "endpoint", 0),
            Bar(1, 3 * MS, 4 * MS, "sending", 0),
            Bar(1, 4 * MS, 5 * MS, "after", 0),
            Bar(2, MS, 4 * MS, "held", 0, 0, "after_response"),
            Bar(2, 4 * MS, 5 * MS, "wait", 0, 0, "after_response"),
            Bar(2, 5 * MS, 8 * MS, "run", 0, 0, "after_response"),
            Bar(3, 5 * MS, 7 * MS, "busy", 0, 0, label="mail"),
        ),
        marks=(Mark("endpoint_end", 3 * MS, 0, 3, 0), Mark("response_sent", 4 * MS, 0, 3, 0)),
        signs=(
            Sign("released", 4 * MS, 2, 0, 0, "after_response"),
            Sign("error", 8 * MS, 2, 0, 0, "after_response", "OSError"),
        ),
        arrows=(Arrow(MS, 1, 2, 5 * MS, 0, 0, "after_response"),),
    )


def test_an_arrow_starts_where_the_task_was_scheduled() -> None:
    arrows = arrange(checkout()).arrows

    assert [(arrow.lane, arrow.to_lane) for arrow in arrows] == [
        (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (2, 7),
    ]  # fmt: skip


@pytest.mark.parametrize("parent", [0, 5, -1])
def test_a_parent_that_cannot_be_is_the_request(parent: int) -> None:
    task = TaskRecord("own child", "immediate", 1, 1, 2, 3, "ok", parent=parent)

    assert [arrow.lane for arrow in arrange(request(request_end=5, tasks=[task])).arrows] == [0]


def test_a_request_without_tasks_is_handled_and_sent() -> None:
    timeline = request(response_start=3, response_sent=5, request_end=6)

    assert kinds(timeline) == [
        ("handling", 0, 3, False),
        ("sending", 3, 5, False),
        ("after", 5, 6, False),
    ]


def test_an_open_request_is_open_ended() -> None:
    task = TaskRecord("slow", "immediate", 2, 2, 3, 9, "ok")

    assert kinds(request(endpoint_start=1, tasks=[task])) == [
        ("before", 0, 1, False),
        ("endpoint", 1, 9, True),
        ("wait", 2, 3, False),
        ("run", 3, 9, False),
    ]


def test_a_request_of_which_only_the_start_is_known_is_open() -> None:
    assert kinds(request()) == [("handling", 0, 0, True)]


def test_an_aborted_response_was_being_sent_until_the_end() -> None:
    timeline = request(
        endpoint_start=1, endpoint_end=2, response_start=3, request_end=9, aborted=True
    )

    assert kinds(timeline) == [
        ("before", 0, 1, False),
        ("endpoint", 1, 2, False),
        ("sending", 2, 9, False),
    ]


@pytest.mark.parametrize(
    ("task", "bars", "signs"),
    [
        (TaskRecord("is held", "after_response", 2), [("held", 2, 9, True)], []),
        (
            TaskRecord("is held, then waits", "after_response", 2, 6),
            [("held", 2, 6, False), ("wait", 6, 9, True)],
            [("released", 6)],
        ),
        (
            TaskRecord("is held, waits, runs", "after_response", 2, 6, 7, 8, "ok"),
            [("held", 2, 6, False), ("wait", 6, 7, False), ("run", 7, 8, False)],
            [("released", 6)],
        ),
        (
            TaskRecord("runs, no one knows since when", "background", 2, None, 7, 8, "ok"),
            [("held", 2, 7, False), ("run", 7, 8, False)],
            [],
        ),
        (TaskRecord("waits", "immediate", 2, 2), [("wait", 2, 9, True)], [("released", 2)]),
        (
            TaskRecord("runs", "immediate", 2, 2, 3),
            [("wait", 2, 3, False), ("run", 3, 9, True)],
            [("released", 2)],
        ),
        (
            TaskRecord("dropped", "after_route", 2, outcome="discarded", finished=4),
            [("held", 2, 4, False)],
            [("discarded", 4)],
        ),
        (
            TaskRecord("dropped, no one knows when", "after_route", 2, outcome="discarded"),
            [("held", 2, 5, False)],
            [("discarded", 5)],
        ),
        (
            TaskRecord("left alone", "immediate", 2, 2, 3, outcome="abandoned"),
            [("wait", 2, 3, False), ("run", 3, 9, True)],
            [("released", 2), ("abandoned", 9)],
        ),
        (
            TaskRecord("stopped", "immediate", 2, 2, 3, 6, "cancelled"),
            [("wait", 2, 3, False), ("run", 3, 6, False)],
            [("released", 2), ("cancelled", 6)],
        ),
    ],
    ids=lambda value: value.name if isinstance(value, TaskRecord) else "",
)
def test_how_a_task_ends(
    task: TaskRecord, bars: list[tuple[str, int, int, bool]], signs: list[tuple[str, int]]
) -> None:
    scene = arrange(request(endpoint_start=1, endpoint_end=5, request_end=9, tasks=[task]))

    found = [(bar.kind, bar.start, bar.end, bar.open) for bar in scene.bars if bar.task == 0]
    assert found == bars
    assert [(sign.kind, sign.at) for sign in scene.signs] == signs


def test_a_clock_that_goes_backwards_mirrors_the_bars_of_a_task() -> None:
    task = TaskRecord("odd", "immediate", 6, 6, 4, 1, "ok")
    scene = arrange(request(request_end=9, tasks=[task]))

    assert [bar for bar in scene.bars if bar.task == 0] == [
        Bar(1, 4, 6, "wait", 0, 0, "immediate", backwards=True),
        Bar(1, 1, 4, "run", 0, 0, "immediate", backwards=True),
    ]


def test_a_release_before_the_request_is_mirrored_too() -> None:
    task = TaskRecord("odd", "after_route", 6, 4, 5, 8, "ok")
    scene = arrange(request(request_end=9, tasks=[task]))

    assert [bar for bar in scene.bars if bar.task == 0] == [
        Bar(1, 4, 6, "held", 0, 0, "after_route", backwards=True),
        Bar(1, 4, 5, "wait", 0, 0, "after_route"),
        Bar(1, 5, 8, "run", 0, 0, "after_route"),
    ]


def test_what_held_the_loop_has_its_line() -> None:
    busy = Busy(2, 5, "mail", None, "shop/mail.py:42 in render")
    bars = arrange(request(request_end=9, busy=[busy])).bars

    assert bars[-1] == Bar(1, 2, 5, "busy", 0, label="mail", line="shop/mail.py:42 in render")


def test_a_clock_that_goes_backwards_leaves_a_phase_empty_and_its_mark_true() -> None:
    scene = arrange(request(endpoint_start=5, endpoint_end=3, response_sent=8, request_end=9))

    assert [(bar.kind, bar.start, bar.end, bar.backwards) for bar in scene.bars] == [
        ("before", 0, 5, False),
        ("endpoint", 5, 5, True),
        ("sending", 5, 8, False),
        ("after", 8, 9, False),
    ]
    assert [mark.at for mark in scene.marks] == [3, 8]


def test_tasks_that_never_overlap_share_a_lane() -> None:
    tasks = [
        TaskRecord("first", "immediate", 1, 1, 2, 4, "ok"),
        TaskRecord("second", "immediate", 2, 2, 3, 5, "ok"),
        TaskRecord("third", "immediate", 5, 5, 6, 7, "ok"),
    ]
    scene = arrange(request(request_end=9, tasks=tasks), lanes="request")

    assert scene.lanes == (
        Lane("request", "GET / #1", 0),
        Lane("shared", "", 0),
        Lane("shared", "", 0),
    )
    assert {bar.task: bar.lane for bar in scene.bars if bar.task is not None} == {0: 1, 1: 2, 2: 1}


def test_many_requests_share_lanes() -> None:
    scene = arrange(random_timelines(100, 10))

    assert set(scene.lanes) == {Lane("shared")}
    assert len(scene.lanes) < 200


def test_requests_come_in_the_order_of_their_start() -> None:
    scene = arrange([checkout(2, 9 * MS), checkout(3, 30 * MS), checkout(1)], lanes="task")

    assert [(group.title, group.first, group.last) for group in scene.groups] == [
        ("POST /checkout #1", 0, 8),
        ("POST /checkout #2", 9, 17),
        ("POST /checkout #3", 18, 26),
    ]


def test_processes_meet_on_the_wall_clock() -> None:
    here = request(request_end=5, process=1, wall=WALL)
    there = replace(here, id=2, process=2, wall=WALL + 3, request_start=1_000, request_end=1_007)

    assert [(bar.start, bar.end) for bar in arrange([there, here]).bars] == [(0, 5), (3, 10)]


def test_a_step_of_the_wall_clock_does_not_reorder_one_process() -> None:
    first = request(request_end=5, process=1)
    second = replace(first, id=2, wall=WALL - 60 * MS, request_start=7, request_end=8)
    other = replace(first, id=3, process=2, wall=WALL + 20)

    scene = arrange([other, second, first])

    assert [group.timeline.id for group in scene.groups] == [1, 2, 3]
    assert [bar.start for bar in scene.bars] == [0, 7, 20]


def test_nothing_recorded_is_an_empty_scene() -> None:
    assert arrange([]) == Scene(0, 0, 0, (), (), (), (), (), ())


@pytest.mark.parametrize("wrong", ["a path", 3, [checkout(), None], {"label": checkout()}])
def test_what_is_not_a_timeline_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"is not a Timeline: pass one or several, such as rec"):
        arrange(wrong)


def test_panels_without_labels_are_refused() -> None:
    with pytest.raises(TypeError, match="has no labels: pass a mapping from labels to timelines"):
        arrange_all([checkout()])  # type: ignore[arg-type]


def test_options_that_do_not_exist_are_refused() -> None:
    with pytest.raises(
        ValueError, match="align='end' does not exist: use 'request_start' or 'resp"
    ):
        arrange(checkout(), align="end")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="lanes='no' does not exist: use 'task' or 'request' or "):
        arrange(checkout(), lanes="no")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="spans='no' does not exist: use 'all' or 'folded' or 'p"):
        arrange(checkout(), spans="no")  # type: ignore[arg-type]


def test_panels_have_one_extent_and_a_zero_each() -> None:
    scenes = arrange_all({"one": checkout(1), "other": checkout(2, at=5_000 * MS)})

    assert scenes["one"].bars == scenes["other"].bars
    assert [scene.origin for scene in scenes.values()] == [0, 5_000 * MS]
    assert {(scene.start, scene.end) for scene in scenes.values()} == {(-800_000, 42 * MS)}


def test_panels_can_meet_where_the_response_was_sent() -> None:
    unanswered = request(request_end=5)
    scenes = arrange_all({"sent": checkout(), "never": unanswered}, align="response_sent")

    assert [scene.origin for scene in scenes.values()] == [12_600_000, 0]
    assert scenes["sent"].marks[1] == Mark("response_sent", 0, 0, 8, 0)
