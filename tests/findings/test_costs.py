"""What findings cost: never more than there was, nothing twice, and nothing where all is well."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_tasks import Busy, Span, TaskRecord, Timeline
from fastapi_tasks.timeline import SCHEDULED_MODES
from tests.runs import Shop, run
from tests.samples import MS, WALL, checkout
from tests.strategies import names, recordings, unhurried
from visualize import explain
from visualize.answers.findings.intervals import Intervals, joined, length


@st.composite
def odd_recordings(draw: st.DrawFn) -> list[Timeline]:
    """Any that the data allows, with steps that are long enough to be looked at."""
    recording = draw(recordings)
    for timeline in recording:
        for busy in timeline.busy:
            busy.end = busy.start + draw(st.integers(0, 200 * MS))
    return recording


def time_there_was(recording: list[Timeline]) -> int:
    """All responses, all waits and all runs; what goes on does so until the recording's end."""
    end = max((timeline.last for timeline in recording), default=0)
    total = 0
    for one in recording:
        total += max(
            (end if one.response_sent is None else one.response_sent) - one.request_start, 0
        )
        for task in one.tasks:
            over = end if task.finished is None else task.finished
            for begun, done in ((task.released, task.started), (task.started, over)):
                if begun is not None:
                    total += max((over if done is None else done) - begun, 0)
    return total


@given(odd_recordings())
@unhurried
def test_findings_never_cost_more_than_the_time_there_was(recording: list[Timeline]) -> None:
    findings = explain(recording, grace_period=0.01)
    assert sum(finding.cost for finding in findings) <= time_there_was(recording)
    costs = [finding.cost for finding in findings]
    assert costs == sorted(costs, reverse=True)
    for finding in findings:
        assert finding.cost == sum(victim.lost for victim in finding.victims)
        assert all(victim.lost > 0 for victim in finding.victims)


@given(odd_recordings())
@unhurried
def test_findings_are_sentences_and_data(recording: list[Timeline]) -> None:
    for finding in explain(recording, grace_period=0.01):
        assert str(finding).isprintable()
        assert str(finding).endswith(".")
        data = json.loads(json.dumps(finding.as_json()))
        assert data["sentence"] == str(finding)
        assert data["victims_count"] == len(finding.victims)


@given(odd_recordings())
@unhurried
def test_findings_are_the_same_every_time_and_leave_the_recording_alone(
    recording: list[Timeline],
) -> None:
    before = [str(timeline) for timeline in recording]
    assert explain(recording) == explain(recording)
    assert [str(timeline) for timeline in recording] == before


# Nothing where all is well ---------------------------------------------------------------------


@st.composite
def well_behaved(draw: st.DrawFn) -> list[Timeline]:
    """Requests whose tasks start soon, run for as long as they like, and end well."""
    timelines = []
    at = 0
    for number in range(1, draw(st.integers(1, 12))):
        at += draw(st.integers(0, 50)) * MS
        ended = at + draw(st.integers(1, 100)) * MS
        sent = ended + draw(st.integers(0, 5)) * MS
        timeline = Timeline(
            number, "http", "GET", "/items", WALL + at, at, process=1, endpoint_start=at,
            endpoint_end=ended, response_start=sent, response_sent=sent, request_end=sent,
            status=draw(st.sampled_from([200, 404])),
        )  # fmt: skip
        for place in range(draw(st.integers(0, 3))):
            mode = draw(st.sampled_from(SCHEDULED_MODES))
            released = {"immediate": at, "after_route": ended}.get(mode, sent)
            started = released + draw(st.integers(0, 5)) * MS
            finished = started + draw(st.integers(0, 4_000)) * MS
            thread = draw(st.booleans())
            timeline.tasks.append(
                TaskRecord(
                    draw(names),
                    mode,
                    at,
                    released,
                    started,
                    finished,
                    "ok",
                    thread=thread,
                    id=place,
                )
            )
        if draw(st.booleans()):
            timeline.spans.append(Span("get_db", "close", ended, ended, id=0))
            timeline.spans.append(Span("Gzip", "middleware", at, sent, id=1))
        if draw(st.integers(0, 9)) == 0:
            timeline.busy.append(Busy(at, at + 8 * MS, timeline.title))
        timelines.append(timeline)
    return timelines


@given(well_behaved())
@unhurried
def test_nothing_is_found_where_all_is_well(recording: list[Timeline]) -> None:
    assert explain(recording) == []


def test_nothing_is_found_in_nothing() -> None:
    assert explain([]) == []


def test_what_is_no_timeline_is_refused() -> None:
    with pytest.raises(TypeError, match="is not a Timeline"):
        explain(["POST /orders"])  # type: ignore[list-item]


# Nothing twice ---------------------------------------------------------------------------------


def test_time_that_two_causes_claim_is_one_of_theirs() -> None:
    # The endpoint held the loop itself, and never awaited: its task waited for 100 ms, not 200.
    timeline = checkout()
    timeline.tasks = [TaskRecord("index", "immediate", 0, 0, 110 * MS, 111 * MS, "ok", id=0)]
    timeline.endpoint_end = 100 * MS
    timeline.response_start = timeline.response_sent = timeline.request_end = 101 * MS
    timeline.busy = [Busy(0, 105 * MS, timeline.title)]
    costs = {finding.rule: finding.cost for finding in explain(timeline)}
    assert costs == {"never_awaited": 100 * MS, "loop_held": 5 * MS}


def test_a_made_up_shop_names_what_holds_its_loop() -> None:
    findings = explain(run(1, Shop(hold=40)))
    assert Counter(finding.rule for finding in findings) == {"loop_held": 1}
    assert str(findings[0].cause) == "resize (after_response)"


def test_the_worst_victims_travel_with_a_finding_and_all_are_counted() -> None:
    (finding,) = explain(run(1, Shop(hold=40)))
    data = finding.as_json()
    assert data["victims_count"] == len(finding.victims) > len(data["victims"]) == 20
    lost = [victim["lost_ns"] for victim in data["victims"]]
    assert lost == sorted(lost, reverse=True)


# Intervals -------------------------------------------------------------------------------------

pairs = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


@given(pairs, st.integers(0, 5))
def test_joined_intervals_cover_the_same_without_overlaps(
    given_ones: list[tuple[int, int]], gap: int
) -> None:
    found = joined(given_ones, gap)
    inside = {at for start, end in given_ones for at in range(start, end)}
    covered = {at for start, end in found for at in range(start, end)}
    assert inside <= covered
    assert length(found) == len(covered)
    assert gap or inside == covered
    assert all(after[0] - before[1] > gap for before, after in pairwise(found))


@given(pairs, st.integers(0, 60), st.integers(0, 60))
def test_an_overlap_is_what_is_in_both(
    given_ones: list[tuple[int, int]], start: int, end: int
) -> None:
    ordered = joined(given_ones)
    covered = {at for first, last in ordered for at in range(first, last)}
    assert Intervals(ordered).overlap(start, end) == len(covered & set(range(start, end)))
