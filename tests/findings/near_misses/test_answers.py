"""Answers that came late, what kept them, and what did not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI

from fastapi_tasks import Busy, Recorder, Span, Tasks, Timeline
from fastapi_tasks.timeline import MACHINE
from tests.asgi import serving
from tests.samples import MS
from tests.virtual import block
from visualize import explain
from visualize.answers.findings import Finding

from .making import MakeApp, request, rules, slow_send, task

pytestmark = pytest.mark.anyio


class TestStepBeforeAnswer:
    @staticmethod
    def app(make_app: MakeApp, work: Callable[[], Any]) -> FastAPI:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_route.schedule(work)

        return app

    async def test_a_step_while_the_answer_is_being_sent_costs_it(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        async def index() -> None:
            block(0.05)

        async with serving(self.app(make_app, index)) as server:
            await server.get("/", on_send=slow_send)
            await recorder.settled()
        (finding,) = explain(recorder.timelines)
        assert finding.rule == "step_before_answer"
        assert finding.cost == 50 * MS

    async def test_a_step_that_awaits_costs_nothing(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        async def index() -> None:
            await anyio.sleep(0.05)

        async with serving(self.app(make_app, index)) as server:
            await server.get("/", on_send=slow_send)
            await recorder.settled()
        assert rules(recorder.timelines) == []

    async def test_a_later_step_is_not_the_first(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        async def index() -> None:
            await anyio.sleep(0.01)
            block(0.05)

        async with serving(self.app(make_app, index)) as server:
            await server.get("/", on_send=slow_send)
            await recorder.settled()
        assert "step_before_answer" not in rules(recorder.timelines)

    async def test_a_step_after_the_answer_keeps_none(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        async def index() -> None:
            block(0.05)

        async with serving(self.app(make_app, index)) as server:
            await server.get("/")
            await recorder.settled()
        assert rules(recorder.timelines) == []


class TestNeverAwaited:
    @staticmethod
    async def recorded(
        make_app: MakeApp, recorder: Recorder, endpoint: Callable[..., Any]
    ) -> list[Finding]:
        app = make_app()
        app.get("/")(endpoint)
        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        return explain(recorder.timelines)

    async def test_an_endpoint_that_goes_on_without_awaiting_is_found(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(anyio.lowlevel.checkpoint)
            block(0.04)

        (finding,) = await self.recorded(make_app, recorder, endpoint)
        assert finding.rule == "never_awaited"
        assert finding.cost == 40 * MS

    async def test_the_line_is_the_endpoints_own(self) -> None:
        tasks = [task("index", "immediate", 2, 2, 61, 62, outcome="ok")]
        timeline = request(tasks=tasks, endpoint_end=60 * MS, response_sent=62 * MS)
        timeline.busy = [
            Busy(2 * MS, 25 * MS, "resize of POST /images #7", line="shop.py:4 in resize"),
            Busy(26 * MS, 60 * MS, timeline.title, line="shop.py:9 in order"),
        ]
        (finding,) = explain(timeline)
        assert str(finding.cause) == "POST /orders, shop.py:9 in order,"

    async def test_one_that_awaits_once_is_not(self, make_app: MakeApp, recorder: Recorder) -> None:
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(anyio.lowlevel.checkpoint)
            await anyio.sleep(0.001)
            block(0.04)

        assert await self.recorded(make_app, recorder, endpoint) == []

    async def test_one_that_schedules_on_its_last_line_is_not(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        async def endpoint(tasks: Tasks) -> None:
            block(0.04)
            tasks.schedule(anyio.lowlevel.checkpoint)

        assert await self.recorded(make_app, recorder, endpoint) == []

    async def test_a_loop_that_somebody_else_held_is_no_fault_of_the_endpoint(self) -> None:
        tasks = [task("index", "immediate", 2, 2, 151, 152, outcome="ok")]
        timeline = request(tasks=tasks, endpoint_end=150 * MS, response_sent=152 * MS)
        timeline.busy = [Busy(2 * MS, 150 * MS, "resize of POST /images #7")]
        assert rules([timeline]) == ["loop_held"]
        timeline.busy = [Busy(2 * MS, 150 * MS, timeline.title)]
        assert rules([timeline]) == ["never_awaited", "loop_held"]


class TestAnswerKept:
    @staticmethod
    def answered(inside: int, outside: int, *spans: Span) -> list[Timeline]:
        """An endpoint that ended at `inside`, and an answer that began at `outside`."""
        return [
            request(
                endpoint_end=inside * MS, response_start=outside * MS,
                response_sent=outside * MS, request_end=outside * MS, spans=list(spans),
            )
        ]  # fmt: skip

    async def test_a_middleware_around_both_kept_it(self) -> None:
        around = Span("Gzip", "middleware", 0, 50 * MS)
        (finding,) = explain(self.answered(8, 40, around))
        assert (finding.rule, finding.cost) == ("answer_kept", 32 * MS)

    async def test_without_one_nobody_is_blamed(self) -> None:
        assert rules(self.answered(8, 40)) == []

    async def test_one_that_worked_before_the_endpoint_kept_nothing(self) -> None:
        around = Span("Auth", "middleware", 0, 45 * MS)
        assert rules(self.answered(38, 40, around)) == []

    async def test_what_came_inside_of_it_is_not_its_fault(self) -> None:
        around = Span("Gzip", "middleware", 0, 50 * MS)
        inside = Span("json", "serialization", 8 * MS, 39 * MS)
        assert rules(self.answered(8, 40, around, inside)) == []

    async def test_an_endpoint_that_is_known_by_its_span_alone_does_as_well(self) -> None:
        around = Span("Gzip", "middleware", 0, 50 * MS)
        endpoint = Span("order", "endpoint", MS, 9 * MS)
        timelines = self.answered(8, 40, around, endpoint)
        timelines[0].endpoint_end = None
        (finding,) = explain(timelines)
        assert finding.cost == 31 * MS

    async def test_of_several_the_one_that_had_it_for_long_is_named(self) -> None:
        spans = [
            Span("Gzip", "middleware", 0, 50 * MS, answered=40 * MS),
            Span("Audit", "middleware", 1, 50 * MS, answered=39 * MS),
            Span("Auth", "middleware", 2, 50 * MS, answered=9 * MS),
        ]
        (finding,) = explain(self.answered(8, 40, *spans))
        assert (str(finding.cause), finding.cost) == ("Audit", 30 * MS)

    async def test_two_that_had_it_for_long_are_two_findings(self) -> None:
        spans = [
            Span("Gzip", "middleware", 0, 90 * MS, answered=70 * MS),
            Span("Audit", "middleware", 1, 90 * MS, answered=40 * MS),
        ]
        found = explain(self.answered(8, 71, *spans))
        assert {str(one.cause): one.cost for one in found} == {"Gzip": 30 * MS, "Audit": 32 * MS}

    async def test_several_that_had_it_for_a_moment_each_are_none(self) -> None:
        spans = [
            Span(name, "middleware", at, 50 * MS, answered=(20 - 6 * at) * MS)
            for at, name in enumerate(("Gzip", "Audit"))
        ]
        assert rules(self.answered(8, 20, *spans)) == []

    async def test_where_nobody_knows_which_all_that_stood_between_are_named(self) -> None:
        spans = [Span(name, "middleware", 0, 50 * MS) for name in ("Gzip", "Audit")]
        (finding,) = explain(self.answered(8, 40, *spans))
        assert str(finding.cause) == "Gzip or Audit"

    async def test_one_that_waits_for_the_first_of_a_stream_kept_nothing(self) -> None:
        around = Span("Gzip", "middleware", 0, 50 * MS, answered=40 * MS)
        first = Span("first part", "sending", 8 * MS, 39 * MS)
        assert rules(self.answered(8, 40, around, first)) == []

    async def test_once_in_many_answers_is_chance(self) -> None:
        quick = self.answered(8, 9, Span("Audit", "middleware", 0, 9 * MS, answered=9 * MS)) * 8
        slow = self.answered(8, 50, Span("Audit", "middleware", 0, 50 * MS, answered=50 * MS))
        assert rules(slow * 2 + quick) == rules(slow) == ["answer_kept"]
        assert rules(slow + quick) == []

    async def test_what_held_the_loop_meanwhile_is_not_its_fault(self) -> None:
        around = Span("Audit", "middleware", 0, 50 * MS, answered=49 * MS)
        (timeline,) = self.answered(8, 50, around)
        timeline.busy = [Busy(9 * MS, 49 * MS, MACHINE)]
        assert rules([timeline]) == []
        # Nor is the rest, where it was held for most of the time.
        timeline.busy = [Busy(9 * MS, 33 * MS, MACHINE)]
        assert rules([timeline]) == []
        timeline.busy = []
        assert rules([timeline]) == ["answer_kept"]

    async def test_on_a_crowded_loop_nobody_is_blamed(self) -> None:
        """Each turn came 20 ms late: that of the way in, and of a task meanwhile."""
        spans = [
            Span("Audit", "middleware", 0, 70 * MS, id=0, answered=69 * MS),
            Span("order", "endpoint", 22 * MS, 30 * MS, id=1, parent=0),
        ]
        quick = [
            Span("Audit", "middleware", 100 * MS, 101 * MS, id=0, answered=101 * MS),
            Span("order", "endpoint", 100 * MS, 101 * MS, id=1, parent=0),
        ]
        (timeline,) = self.answered(30, 70, *spans)
        (usual,) = self.answered(100, 101, *quick)
        assert rules([timeline, usual]) == []
        # Where tasks had their turns at once, the loop was free.
        usual.tasks = [task("stat", "immediate", 50, 50, 51)]
        assert rules([timeline, usual]) == ["answer_kept"]
