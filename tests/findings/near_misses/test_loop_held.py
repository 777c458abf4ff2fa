"""What nearly held the loop, and what did."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI

from fastapi_tasks import Busy, Recorder, Tasks, Timeline
from fastapi_tasks.timeline import MACHINE
from fastapi_tasks.watch.stacks import PHASES
from tests.asgi import serving
from tests.samples import MS
from tests.virtual import block
from visualize import explain
from visualize.answers.findings import Finding

from .making import MakeApp, request, rules, task, together

pytestmark = pytest.mark.anyio


async def found_while_held(app: FastAPI, recorder: Recorder, path: str) -> Finding:
    """The one finding where the loop is held for 200 ms beside a request for `path`."""
    async with serving(app) as server:
        await together(server, "/hold/200", path)
        await recorder.settled()
    (finding,) = explain(recorder.timelines)
    return finding


class TestLoopHeld:
    @pytest.fixture
    def app(self, make_app: MakeApp) -> FastAPI:
        app = make_app()

        async def resize(seconds: float) -> None:
            block(seconds)

        @app.get("/hold/{milliseconds}")
        async def hold(milliseconds: int, tasks: Tasks) -> None:
            await anyio.sleep(0.01)
            tasks.after_response.schedule(resize, milliseconds / 1000)

        @app.get("/wait/{milliseconds}")
        async def wait(milliseconds: int) -> None:
            await anyio.sleep(milliseconds / 1000)

        @app.get("/busy/{milliseconds}")
        async def busy(milliseconds: int) -> None:
            block(milliseconds / 1000)

        return app

    async def test_a_step_that_is_hardly_long_is_no_finding(
        self, app: FastAPI, recorder: Recorder
    ) -> None:
        async with serving(app) as server:
            await together(server, "/hold/90", "/wait/50")
            await recorder.settled()
        assert rules(recorder.timelines) == []

    async def test_who_could_have_gone_on_meanwhile_is_a_victim(
        self, app: FastAPI, recorder: Recorder
    ) -> None:
        finding = await found_while_held(app, recorder, "/wait/50")
        assert finding.rule == "loop_held"
        (victim,) = finding.victims
        assert victim.title.startswith("GET /wait/50 #")

    async def test_to_a_thread_that_kept_the_lock_no_thread_is_advised(self) -> None:
        busy = Busy(2 * MS, 202 * MS, "resize in a thread", None, "shop.py:4 in resize", True)
        (finding,) = explain([request(busy=[busy])])
        assert finding.fact.startswith("resize in a thread, shop.py:4 in resize, held the event")
        assert "another process" in finding.advice
        assert "`def`" not in finding.advice

    async def test_where_the_machine_did_not_let_it_work_nobody_is_blamed(self) -> None:
        busy = Busy(2 * MS, 202 * MS, MACHINE)
        assert rules([request(busy=[busy], tasks=[task("mail", "immediate", 1, 2, 202)])]) == []

    async def test_a_kind_that_is_held_up_as_often_as_all_others_has_no_habit(self) -> None:
        def shop(often: int, line: str | None = "shop.py:4 in order") -> list[Timeline]:
            """Of 50 requests for each path 6 held the loop for 20 ms, and `often` for /0."""
            timelines = []
            for number in range(200):
                path, start = f"/{number % 4}", number * 100 * MS
                held = number // 4 < (often if path == "/0" else 6)
                one = request(number + 1, route=path)
                one.path = path
                one.request_start = one.wall = start
                one.endpoint_start = one.endpoint_end = start
                one.response_start = one.response_sent = one.request_end = start + 20 * MS
                if held:
                    one.busy = [Busy(start, start + 20 * MS, one.title, None, line)]
                timelines.append(one)
            return timelines

        assert rules(shop(6)) == []
        assert [one.cause.name for one in explain(shop(18))] == ["POST /0"]
        assert [one.cause.name for one in explain(shop(50))] == ["POST /0"]
        # Where nobody saw them at work, only most of its runs are a habit.
        assert rules(shop(18, line=None)) == []
        assert [one.cause.name for one in explain(shop(50, line=None))] == ["POST /0"]

    @pytest.mark.parametrize("phase", PHASES.values())
    async def test_to_the_frameworks_own_work_no_awaiting_is_advised(self, phase: str) -> None:
        busy = Busy(2 * MS, 202 * MS, "POST /orders #1", None, phase)
        (finding,) = explain([request(busy=[busy])])
        assert finding.fact.startswith(f"POST /orders, {phase}, held the event loop for 200 ms")
        assert "await" not in finding.advice

    async def test_a_task_in_a_thread_is_not_blamed_for_its_step_on_the_loop(self) -> None:
        """On a crowded machine to hand a task over to its thread takes long, too."""
        crunch = task("crunch", "immediate", 1, 2, 300, 310, thread=True, id=0, outcome="ok")
        held = Busy(2 * MS, 402 * MS, "crunch", 0)
        assert "loop_held" not in rules([request(busy=[held], tasks=[crunch])])
        held.line = "shop.py:4 in other"
        assert "loop_held" not in rules([request(busy=[held], tasks=[crunch])])

    async def test_who_waited_for_something_else_meanwhile_is_none(
        self, app: FastAPI, recorder: Recorder
    ) -> None:
        finding = await found_while_held(app, recorder, "/wait/1000")
        assert (finding.victims, finding.cost) == ((), 0)
        assert "no recorded request or task waited for it" in str(finding)

    async def test_what_it_cost_is_what_the_same_requests_take_more(
        self, app: FastAPI, recorder: Recorder
    ) -> None:
        waits = ["/wait/50", "/wait/50", "/wait/50"]
        async with serving(app) as server:
            for _ in range(5):
                await together(server, *waits, "/hold/0")
            await recorder.settled()
            before = answered(recorder.timelines[-4:])
            await together(server, *waits, "/hold/200")
            await recorder.settled()
        lost = answered(recorder.timelines[-4:]) - before
        (finding,) = explain(recorder.timelines)
        assert finding.cost == lost == 3 * 160 * MS

    async def test_whoever_holds_it_is_not_its_own_victim(
        self, app: FastAPI, recorder: Recorder
    ) -> None:
        async with serving(app) as server:
            await server.get("/busy/300")
        (finding,) = explain(recorder.timelines)
        assert str(finding.cause) == "GET /busy/{milliseconds}"
        assert (finding.victims, finding.cost) == ((), 0)

    async def test_a_task_is_late_by_all_that_was_held_before_its_start(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def resize() -> None:
            block(0.07)

        async def mail() -> None:
            pass

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for work in (resize, resize, mail):
                tasks.after_response.schedule(work)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        (finding,) = explain(recorder.timelines)
        waited = sum(one.waited or 0 for one in recorder.timelines[0].tasks)
        assert finding.cost == waited > 0
        assert "held the event loop 2 times for 140 ms, up to 70 ms at once" in str(finding)

    async def test_who_never_started_lost_nothing_by_it(self) -> None:
        tasks = [task("mail", "after_response", 5, 10, outcome="cancelled")]
        held = [Busy(10 * MS, 200 * MS, "POST /orders #2")]
        findings = explain([request(1, tasks=tasks), request(2, busy=held)])
        assert [one.victims for one in findings if one.rule == "loop_held"] == [()]

    async def test_who_still_waits_has_waited_so_far(self) -> None:
        tasks = [task("mail", "after_response", 5, 10)]
        held = [Busy(10 * MS, 200 * MS, "POST /orders #2")]
        (finding,) = explain([request(1, tasks=tasks), request(2, busy=held)])
        assert finding.cost == 190 * MS
        assert "1 task came late by 190 ms;" in str(finding)

    @pytest.mark.parametrize(("before", "lost"), [(4, 190), (5, 140)])
    async def test_what_is_usual_is_known_of_five_requests(self, before: int, lost: int) -> None:
        timelines = [request(at, response_sent=60 * MS, process=2) for at in range(2, 2 + before)]
        late = request(1, endpoint_end=None, response_start=200 * MS, response_sent=200 * MS)
        late.busy = [Busy(10 * MS, 200 * MS, "POST /images #9")]
        (finding,) = explain([late, *timelines])
        assert finding.cost == lost * MS

    async def test_another_process_has_a_loop_of_its_own(self) -> None:
        tasks = [task("mail", "after_response", 5, 10, 200, 210, outcome="ok")]
        held = [Busy(10 * MS, 200 * MS, "POST /orders #2")]
        timelines = [request(1, tasks=tasks), request(2, process=2, busy=held)]
        (finding,) = explain(timelines)
        assert finding.victims == ()
        timelines[1].process = 1
        (finding,) = explain(timelines)
        assert [victim.title for victim in finding.victims] == ["mail of POST /orders #1"]

    async def test_a_culprit_that_was_let_go_is_still_named(self) -> None:
        seen = Busy(10 * MS, 200 * MS, "resize of POST /images #7", line="shop.py:4 in resize")
        tasks = [task("mail", "after_response", 5, 10, 200, 210, outcome="ok")]
        (finding,) = explain([request(8, tasks=tasks, busy=[seen])])
        assert str(finding).startswith("resize, shop.py:4 in resize, held the event loop for 190")
        assert finding.where == (1, 8, 0)


def answered(timelines: list[Timeline]) -> int:
    return sum((one.response_sent or 0) - one.request_start for one in timelines)
