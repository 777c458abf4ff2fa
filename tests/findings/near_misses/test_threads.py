"""Waits for a thread or a slot of a limit, and for something else."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from fastapi_tasks import Busy, Recorder, Tasks, Timeline
from tests.asgi import serving
from tests.samples import MS
from visualize import explain
from visualize.answers.findings import Rule

from .making import MakeApp, request, rules, task

pytestmark = pytest.mark.anyio


def labels(*moments: tuple[int, int, int]) -> list[Timeline]:
    """Tasks in threads: released, started, finished."""
    return [
        request(at, tasks=[task("print", "after_response", 0, *times, outcome="ok", thread=True)])
        for at, times in enumerate(moments, start=1)
    ]


class TestNoThreadFree:
    async def test_who_waited_while_all_worked_waited_for_a_thread(self) -> None:
        timelines = labels((0, 0, 100), (0, 0, 100), (0, 101, 200))
        (finding,) = explain(timelines)
        assert finding.rule == "no_thread_free"
        assert finding.cost == 100 * MS
        assert "had 100% of the time of 2 threads" in str(finding)

    async def test_who_waited_while_a_thread_was_free_waited_for_something_else(self) -> None:
        assert rules(labels((0, 0, 30), (0, 0, 30), (0, 101, 200))) == []

    async def test_a_short_wait_is_no_finding(self) -> None:
        assert rules(labels((0, 0, 19), (0, 19, 40))) == []

    async def test_who_waited_for_the_loop_waited_for_no_thread(self) -> None:
        timelines = labels((0, 0, 10), (0, 120, 130), (0, 121, 130))
        timelines[0].busy = [Busy(0, 119 * MS, "POST /orders #1")]
        assert rules(timelines) == ["loop_held"]

    @pytest.mark.parametrize(("started", "found"), [(120, ["no_thread_free"]), (121, [])])
    async def test_they_are_the_cause_of_a_wait_of_which_they_worked_half(
        self, started: int, found: list[Rule]
    ) -> None:
        assert rules(labels((0, 0, 60), (0, 0, 60), (0, started, 200))) == found

    @pytest.mark.parametrize(
        ("worked", "found"), [(59, ["loop_held"]), (60, ["no_thread_free", "loop_held"])]
    )
    async def test_the_loop_is_the_cause_where_it_was_held_for_longer(
        self, worked: int, found: list[Rule]
    ) -> None:
        timelines = labels((0, 0, worked), (0, 0, worked), (0, 100, 200))
        timelines[0].busy = [Busy(0, 60 * MS, "POST /orders #1")]
        timelines += [request(4, busy=[Busy(300 * MS, 400 * MS, "POST /orders #4")])]
        assert rules(timelines) == found

    async def test_who_was_cancelled_in_the_queue_got_no_thread(self) -> None:
        timelines = labels((0, 0, 100), (0, 0, 100), (0, 101, 200))
        waited = timelines[2].tasks[0]
        waited.started, waited.outcome = None, "cancelled"
        assert "no_thread_free" not in rules(timelines)

    async def test_threads_of_others_are_not_the_librarys(self) -> None:
        timelines = labels((0, 0, 100), (0, 101, 200))
        timelines[0].tasks[0].mode = "background"
        assert rules(timelines) == []

    async def test_who_kept_the_threads_longest_is_the_cause(self) -> None:
        timelines = labels((0, 0, 100), (0, 0, 100), (0, 100, 110))
        timelines[0].tasks[0].name = timelines[1].tasks[0].name = "export"
        (finding,) = explain(timelines)
        assert str(finding.cause) == "export (after_response)"
        assert [victim.title for victim in finding.victims] == ["print of POST /orders #3"]


async def test_a_short_wait_for_a_slot_is_none(make_app: MakeApp, recorder: Recorder) -> None:
    app = make_app()

    @app.get("/{milliseconds}")
    async def endpoint(milliseconds: int, tasks: Tasks) -> None:
        for _ in range(2):
            tasks.after_response.task(limit=1).schedule(anyio.sleep, milliseconds / 1000)

    async with serving(app) as server:
        await server.get("/19")
        await recorder.settled()
        assert rules(recorder.timelines) == []
        await server.get("/20")
        await recorder.settled()
    [finding] = explain(recorder.timelines)
    assert (finding.rule, finding.cost) == ("no_slot_free", 20 * MS)
