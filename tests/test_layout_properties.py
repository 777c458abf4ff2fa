"""Whatever was recorded: no lane holds two things at once, nothing is lost, and order is kept."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fastapi_tasks.timeline import Timeline
from tests.strategies import recordings, unhurried
from visualize.layout import Bar, Lanes, Scene, arrange
from visualize.layout.lanes import pack, tile

LANES: list[Lanes | None] = [None, "task", "request", "shared"]

extents = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair))),
    max_size=30,
)


@unhurried
@given(extents)
def test_packing_takes_a_lane_for_each_extent_at_once(spans: list[tuple[int, int]]) -> None:
    lanes = pack(spans)
    shared: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for span, lane in zip(spans, lanes, strict=True):
        shared[lane].append(span)

    together = [sum(low <= at <= high for low, high in spans) for at in range(60)]
    assert len(set(lanes)) == max(together)
    assert_apart(shared)


@unhurried
@given(extents, st.data())
def test_tiled_blocks_are_apart(spans: list[tuple[int, int]], data: st.DataObject) -> None:
    heights = [data.draw(st.integers(1, 4)) for _ in spans]
    taken: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for span, height, top in zip(spans, heights, tile(spans, heights), strict=True):
        for lane in range(top, top + height):
            taken[lane].append(span)

    assert_apart(taken)
    assert sorted(taken) == list(range(len(taken)))


def assert_apart(lanes: dict[int, list[tuple[int, int]]]) -> None:
    for spans in lanes.values():
        assert all(one[1] < other[0] for one, other in pairwise(sorted(spans)))


def positions(scene: Scene) -> list[tuple[int, int]]:
    """Every task, as the numbers of its request and its place there."""
    return [
        (number, index)
        for number, group in enumerate(scene.groups)
        for index in range(len(group.timeline.tasks))
    ]


@unhurried
@given(recordings, st.sampled_from(LANES))
def test_in_no_lane_two_things_overlap(recording: list[Timeline], lanes: Lanes | None) -> None:
    scene = arrange(recording, lanes=lanes)
    things: dict[tuple[int, int, object], list[Bar]] = defaultdict(list)
    for bar in scene.bars:
        owner = (bar.kind, bar) if bar.kind in ("busy", "span") else bar.task
        things[bar.lane, bar.request, owner].append(bar)
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (lane, *_), bars in things.items():
        spans[lane].append((min(bar.start for bar in bars), max(bar.end for bar in bars)))

    assert_apart(spans)
    assert all(0 <= lane < len(scene.lanes) for lane in spans)


@unhurried
@given(recordings)
def test_phases_follow_one_another(recording: list[Timeline]) -> None:
    lanes: dict[int, list[Bar]] = defaultdict(list)
    for bar in arrange(recording, lanes="task").bars:
        if bar.task is None and bar.kind not in ("span", "busy"):
            lanes[bar.lane].append(bar)

    for bars in lanes.values():
        assert all(one.end == other.start for one, other in pairwise(bars))


@unhurried
@given(recordings, st.sampled_from(LANES))
def test_nothing_is_dropped_and_all_is_inside(
    recording: list[Timeline], lanes: Lanes | None
) -> None:
    scene = arrange(recording, lanes=lanes)
    shown = [group.timeline for group in scene.groups]

    assert sorted(map(id, shown)) == sorted(map(id, recording))
    tasks = positions(scene)
    waits = {(bar.request, bar.task) for bar in scene.bars if bar.kind in ("held", "wait")}
    assert sorted(waits) == tasks
    assert sorted((arrow.request, arrow.task) for arrow in scene.arrows) == tasks
    assert sum(bar.kind == "busy" for bar in scene.bars) == sum(len(line.busy) for line in shown)
    moments = [thing.at for thing in (*scene.marks, *scene.signs, *scene.arrows)]
    moments += [end for bar in scene.bars for end in (bar.start, bar.end)]
    assert all(scene.start <= moment <= scene.end for moment in moments)


@unhurried
@given(recordings)
def test_order_is_kept(recording: list[Timeline]) -> None:
    scene = arrange(recording, lanes="task")

    requests = {lane for lane, row in enumerate(scene.lanes) if row.kind == "request"}
    starts: dict[int, int] = {}
    for bar in scene.bars:
        if bar.lane in requests:
            starts.setdefault(bar.lane, bar.start)
    assert list(starts.values()) == sorted(starts.values())
    rows = [(lane.request, lane.task) for lane in scene.lanes if lane.kind == "task"]
    assert rows == positions(scene)


@unhurried
@given(recordings)
def test_moments_are_where_they_were_recorded(recording: list[Timeline]) -> None:
    one_process = [replace(timeline, process=1) for timeline in recording]
    scene = arrange(one_process)

    found = [(m.request, m.kind, m.at + scene.origin) for m in scene.marks]
    assert found == [
        (number, kind, at)
        for number, group in enumerate(scene.groups)
        for kind in ("endpoint_end", "response_sent")
        if (at := getattr(group.timeline, kind)) is not None
    ]
    released = [s.at + scene.origin for s in scene.signs if s.kind == "released"]
    assert released == [
        task.released
        for group in scene.groups
        for task in group.timeline.tasks
        if task.released is not None
    ]
