"""For each rule what is nearly its sin, on virtual time: no finding, or none that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI

from fastapi_tasks import Busy, Mode, Recorder, Span, TaskRecord, Tasks, Timeline
from fastapi_tasks.timeline import MACHINE
from fastapi_tasks.watch.stacks import PHASES
from tests.asgi import Message, Server, serving
from tests.samples import MS, WALL
from tests.virtual import block
from visualize import explain
from visualize.answers.findings import Finding, Rule

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


def rules(timelines: list[Timeline], **options: Any) -> list[Rule]:
    return [finding.rule for finding in explain(timelines, **options)]


def request(number: int = 1, **known: Any) -> Timeline:
    """A request of 10 ms, on a clock that began with it, but for what is `known`."""
    marks: dict[str, Any] = {
        "route": "/orders", "process": 1, "endpoint_start": MS, "endpoint_end": 8 * MS,
        "response_start": 9 * MS, "response_sent": 10 * MS, "request_end": 10 * MS, "status": 200,
    }  # fmt: skip
    return Timeline(number, "http", "POST", "/orders", WALL, 0, **(marks | known))


def task(name: str, mode: Mode, *moments: int, **known: Any) -> TaskRecord:
    """A task with its moments in milliseconds: requested, released, started, finished."""
    names = ("requested", "released", "started", "finished")
    times: dict[str, Any] = {name: at * MS for name, at in zip(names, moments, strict=False)}
    return TaskRecord(name, mode, **times, **known)


async def slow_send(message: Message) -> None:
    await anyio.sleep(0.02)


async def together(server: Server, *paths: str) -> None:
    async with anyio.create_task_group() as group:
        for path in paths:
            group.start_soon(server.get, path)


# 1. The loop was held --------------------------------------------------------------------------


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
        async with serving(app) as server:
            await together(server, "/hold/200", "/wait/50")
            await recorder.settled()
        (finding,) = explain(recorder.timelines)
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
        async with serving(app) as server:
            await together(server, "/hold/200", "/wait/1000")
            await recorder.settled()
        (finding,) = explain(recorder.timelines)
        assert (finding.victims, finding.cost) == ((), 0)
        assert "nobody who was recorded by then waited for it" in str(finding)

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
        assert "1 start of tasks came late by 190 ms;" in str(finding)

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


# 2. No thread was free -------------------------------------------------------------------------


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


# 3. A first step before the answer -------------------------------------------------------------


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


# 4. Closed or committed later ------------------------------------------------------------------


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


# 5. Discarded, failed, cancelled, abandoned ----------------------------------------------------


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
        assert "failed 2 times of 4 with OSError" in str(first)
        assert "failed 1 time of 4 with KeyError" in str(second)


# 6. Would not survive a shutdown ---------------------------------------------------------------


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


# 7. Never awaited ------------------------------------------------------------------------------


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


# 8. One after another --------------------------------------------------------------------------


class TestOneAfterAnother:
    async def test_those_of_one_request_waited_for_each_other(self) -> None:
        tasks = [
            task("mail", "background", 2, 10, 10, 50, outcome="ok"),
            task("log", "background", 3, 10, 50, 60, outcome="ok"),
            task("push", "background", 4, 10, 60, 65, outcome="ok"),
        ]
        (finding,) = explain([request(tasks=tasks)])
        assert finding.cost == 90 * MS
        assert "2 starts came late by 90 ms altogether, most of it for mail" in str(finding)
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


# 9. A middleware kept the answer ---------------------------------------------------------------


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


# 10. Piling up ---------------------------------------------------------------------------------


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


# And no slot of a limit -------------------------------------------------------------------------


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
