"""Tasks that ended badly, may run longer than a shutdown, or outlive what they need."""

from __future__ import annotations

from typing import Any

import pytest

from fastapi_tasks import Mode, Recorder, Span, Tasks, Timeline
from tests.asgi import serving
from tests.samples import MS
from visualize import explain
from visualize.answers.findings import Rule

from .making import MakeApp, request, rules, task

pytestmark = pytest.mark.anyio


class TestClosedLater:
    @pytest.mark.parametrize(
        ("mode", "started", "closed", "found"),
        [
            ("after_response", 11, 12, ["closed_later"]),
            ("after_route", 9, 12, ["closed_later"]),
            ("background", 11, 12, ["closed_later"]),
            ("after_response", 12, 12, []),
            ("after_response", 11, 9, []),
            ("immediate", 3, 12, []),
        ],
    )
    async def test_only_what_came_before_the_close_that_it_seems_to_follow(
        self, mode: Mode, started: int, closed: int, found: list[Rule]
    ) -> None:
        mail = task("mail", mode, 2, 2, started, 20, outcome="ok")
        close = Span("get_db", "close", (closed - 1) * MS, closed * MS)
        assert rules([request(tasks=[mail], spans=[close])]) == found

    async def test_a_close_that_a_task_made_itself_is_its_own_affair(self) -> None:
        mail = task("mail", "after_response", 2, 10, 11, 20, outcome="ok")
        close = Span("get_db", "close", 12 * MS, 13 * MS, task=0)
        assert rules([request(tasks=[mail], spans=[close])]) == []

    async def test_a_task_of_a_task_does_not_count_on_the_request(self) -> None:
        mail = task("mail", "after_response", 2, 10, 11, 20, outcome="ok", parent=0)
        close = Span("get_db", "close", 12 * MS, 13 * MS)
        assert rules([request(tasks=[mail], spans=[close])]) == []


class TestEndedBadly:
    async def test_what_goes_on_has_not_ended_badly(self) -> None:
        assert rules([request(tasks=[task("mail", "after_response", 2, 10, 11)])]) == []

    async def test_what_user_code_cancels_itself_is_meant_so(self) -> None:
        child = task("fetch", "spawned", 2, 2, 3, 5, outcome="cancelled")
        assert rules([request(tasks=[child])]) == []
        child.outcome, child.error = "error", "OSError"
        (finding,) = explain([request(tasks=[child])])
        assert "catch it there" in str(finding)

    async def test_a_returned_error_discards_nothing(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def mail() -> None:
            pass

        @app.get("/", status_code=503)
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(mail)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        assert rules(recorder.timelines) == []

    async def test_each_type_of_error_is_a_finding_of_its_own_and_costs_its_runs(self) -> None:
        tasks = [
            task("mail", "after_response", 2, 10, 11, 14, outcome="error", error="OSError"),
            task("mail", "after_response", 2, 10, 11, 16, outcome="error", error="KeyError"),
            task("mail", "after_response", 2, 10, 11, 13, outcome="error", error="OSError"),
            task("mail", "after_response", 2, 10, 11, 13, outcome="ok"),
        ]
        first, second = explain([request(tasks=tasks)])
        assert (first.cost, second.cost) == (5 * MS, 5 * MS)
        assert "failed 2 of 4 times with OSError" in str(first)
        assert "failed 1 of 4 times with KeyError" in str(second)


class TestTooLongForShutdown:
    @staticmethod
    def exports(*seconds: float, **known: Any) -> list[Timeline]:
        timelines = []
        for number, ran in enumerate(seconds, start=1):
            export = task("export", "after_response", 2, 10, 10, outcome="ok", **known)
            export.finished = round((0.01 + ran) * 1000) * MS
            timelines.append(request(number, tasks=[export]))
        return timelines

    @pytest.mark.parametrize(
        ("long", "short", "found"), [(1, 0, True), (2, 18, True), (1, 19, False), (0, 5, False)]
    )
    async def test_one_in_twenty_may_run_longer(self, long: int, short: int, found: bool) -> None:
        timelines = self.exports(*[5.001] * long, *[5] * short)
        assert rules(timelines) == ["too_long_for_shutdown"] * found

    async def test_what_still_runs_has_run_so_far(self) -> None:
        going_on = task("export", "after_response", 2, 10, 10)
        timelines = [request(1, tasks=[going_on])]
        assert rules(timelines) == []
        timelines.append(request(2, request_end=5_011 * MS))
        assert rules(timelines) == ["too_long_for_shutdown"]

    @pytest.mark.parametrize(
        ("known", "seconds", "found"),
        [
            ({"shield": True}, 30, False),
            ({"thread": True}, 20, False),
            ({"thread": True}, 30, True),
        ],
    )
    async def test_a_shield_or_a_thread_lets_it_run_on(
        self, known: dict[str, bool], seconds: int, found: bool
    ) -> None:
        assert rules(self.exports(seconds, **known)) == ["too_long_for_shutdown"] * found

    async def test_it_has_cost_nothing_yet(self) -> None:
        (finding,) = explain(self.exports(10))
        assert (finding.cost, finding.victims) == (0, ())
