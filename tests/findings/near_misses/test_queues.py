"""Tasks one after another, and those that pile up."""

from __future__ import annotations

import pytest

from fastapi_tasks import Timeline
from tests.samples import MS
from visualize import explain

from .making import request, rules, task

pytestmark = pytest.mark.anyio


class TestOneAfterAnother:
    async def test_those_of_one_request_waited_for_each_other(self) -> None:
        tasks = [
            task("mail", "background", 2, 10, 10, 50, outcome="ok"),
            task("log", "background", 3, 10, 50, 60, outcome="ok"),
            task("push", "background", 4, 10, 60, 65, outcome="ok"),
        ]
        (finding,) = explain([request(tasks=tasks)])
        assert finding.cost == 90 * MS
        assert "2 tasks came late by 90 ms altogether, most of it for mail" in str(finding)
        assert "done 15 ms sooner" in str(finding)

    async def test_where_one_takes_nearly_all_the_time_nothing_is_promised(self) -> None:
        tasks = [
            task("mail", "background", 2, 10, 10, 50, outcome="ok"),
            task("count", "background", 3, 10, 50, 51, outcome="ok"),
        ]
        (finding,) = explain([request(tasks=tasks)])
        assert finding.advice == "scheduled with after_response they start together"

    async def test_a_single_one_waited_for_nobody(self) -> None:
        timelines = [
            request(at, tasks=[task("mail", "background", 2, 10, 11, 90, outcome="ok")])
            for at in (1, 2)
        ]
        assert rules(timelines) == []

    async def test_short_ones_are_no_finding(self) -> None:
        tasks = [
            task("mail", "background", 2, 10, 10, 29, outcome="ok"),
            task("log", "background", 3, 10, 29, 99, outcome="ok"),
        ]
        assert rules([request(tasks=tasks)]) == []

    async def test_the_three_modes_run_together(self) -> None:
        tasks = [
            task("mail", "after_response", 2, 10, 10, 50, outcome="ok"),
            task("log", "after_response", 3, 10, 10, 90, outcome="ok"),
        ]
        assert rules([request(tasks=tasks)]) == []


def flights(*moments: tuple[int, int]) -> list[Timeline]:
    """Tasks that were released, started at once and finished."""
    return [
        request(at, tasks=[task("index", "immediate", on, on, on, off, outcome="ok")])
        for at, (on, off) in enumerate(moments, start=1)
    ]


class TestPilingUp:
    async def test_twice_as_many_as_are_done(self) -> None:
        (finding,) = explain(flights(*((5 * at, 10 * at + 10) for at in range(200))))
        assert finding.rule == "piling_up"
        assert "187 came while 93 were done" in str(finding)

    async def test_it_costs_what_each_took_more_than_the_first_ones(self) -> None:
        timelines = flights(*((5 * at, 10 * at + 10) for at in range(200)))
        for timeline in timelines:
            # Most of it in a queue, and the rest at work.
            timeline.tasks[0].started = (timeline.tasks[0].finished or 0) - 2 * MS
        (finding,) = explain(timelines)
        assert finding.cost == sum(max(5 * at + 10 - 55, 0) for at in range(200)) * MS
        assert len(finding.victims) == 190

    async def test_as_many_as_are_done(self) -> None:
        assert rules(flights(*((5 * at, 5 * at + 400) for at in range(200)))) == []

    async def test_a_burst_that_is_worked_off(self) -> None:
        assert rules(flights(*((at // 10, 10 * at + 10) for at in range(200)))) == []

    async def test_more_of_them_that_take_no_longer(self) -> None:
        slowly = [(20 * at, 20 * at + 50) for at in range(100)]
        often = [(2000 + at, 2050 + at) for at in range(400)]
        assert rules(flights(*slowly, *often)) == []

    async def test_the_beginning_of_long_ones(self) -> None:
        assert rules(flights(*((5 * at, 5 * at + 950) for at in range(200)))) == []

    async def test_a_few_more_than_at_first(self) -> None:
        assert rules(flights(*((100 * at, 101 * at + 150) for at in range(200)))) == []

    async def test_a_backlog_that_is_being_worked_off(self) -> None:
        rush = [(5 * at, 12 * at + 10) for at in range(120)]
        calm = [(600 + 22 * at, 1450 + 12 * at) for at in range(60)]
        assert rules(flights(*rush, *calm)) == []

    async def test_few_of_them(self) -> None:
        assert rules(flights(*((5 * at, 10 * at + 10) for at in range(30)))) == []
