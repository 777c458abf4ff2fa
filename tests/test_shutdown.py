"""S1 and S2: how tasks end at a shutdown, and how to wait for them, on virtual time."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastapi_tasks import Recorder, Task, Tasks, add_tasks
from fastapi_tasks.errors import FastAPITasksError

from .asgi import Server, serving
from .virtual import now

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


async def stubborn() -> None:
    """Refuse to be cancelled, in every way there is."""
    with anyio.CancelScope(shield=True):
        while True:
            with suppress(BaseException):
                await anyio.sleep(3600)


def outcomes(recorder: Recorder) -> list[tuple[str, str | None, float | None]]:
    assert recorder.last is not None
    return [
        (t.name, t.outcome, None if t.finished is None else t.finished / 1e9)
        for t in recorder.last.tasks
    ]


class TestS1Shutdown:
    async def test_all_may_finish_then_unshielded_are_cancelled_then_the_rest_is_abandoned(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        closed_at = []

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            yield
            closed_at.append(now() / 1e9)

        app = make_app(lifespan=lifespan)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for seconds in (4, 6):
                tasks.after_response.task(name=f"{seconds} s").schedule(anyio.sleep, seconds)
            shielded = tasks.after_response.task(shield=True, name="shielded 20 s")
            shielded.schedule(anyio.sleep, 20)
            tasks.task(name="stubborn").schedule(stubborn)
            tasks.task(shield=True, name="endless").schedule(anyio.sleep_forever)

        async with serving(app) as server:
            await server.get("/")
        assert outcomes(recorder) == [
            ("4 s", "ok", 4),
            ("6 s", "cancelled", 5),
            ("shielded 20 s", "ok", 20),
            ("stubborn", "abandoned", None),
            ("endless", "abandoned", None),
        ]
        # The stubborn one got a last moment to unwind.
        assert closed_at == [25.1]
        assert [record.getMessage() for record in caplog.records] == [
            "shutdown: waiting up to 5 s, for shielded tasks up to 25 s: "
            "4 s (after_response, GET / #1), 6 s (after_response, GET / #1), "
            "shielded 20 s (after_response, GET / #1), stubborn (immediate, GET / #1), "
            "endless (immediate, GET / #1)",
            "shutdown: cancelled after the grace period of 5 s: "
            "6 s (after_response, GET / #1), stubborn (immediate, GET / #1)",
            "shutdown: abandoned after 25 s of shutdown, still running: "
            "stubborn (immediate, GET / #1), endless (immediate, GET / #1)",
        ]
        assert now() == 25_100_000_000

    async def test_ends_as_soon_as_nothing_runs(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(anyio.sleep, 1.5)

        async with serving(app) as server:
            await server.get("/")
        assert now() == 1_500_000_000
        assert outcomes(recorder) == [("sleep", "ok", 1.5)]
        assert [record.getMessage() for record in caplog.records] == [
            "shutdown: waiting up to 5 s, for shielded tasks up to 25 s: "
            "sleep (after_response, GET / #1)"
        ]

    async def test_accepts_new_tasks_during_the_grace_period_and_later_only_shielded_ones(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app(tasks={"grace_period": 2, "shutdown_timeout": 10})

        async def child() -> None:
            await anyio.sleep(0.5)

        async def parent(tasks: Any) -> None:
            await anyio.sleep(1)
            tasks.task(name="in grace").schedule(child)
            await anyio.sleep(2)
            tasks.task(name="unshielded").schedule(child)
            tasks.task(name="shielded", shield=True).schedule(child)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(shield=True).schedule(parent, tasks)

        async with serving(app) as server:
            await server.get("/")
        assert outcomes(recorder) == [
            ("parent", "ok", 3),
            ("in grace", "ok", 1.5),
            ("unshielded", "cancelled", 3),
            ("shielded", "ok", 3.5),
        ]

    async def test_cancels_what_still_waits_for_its_turn(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 1, "threads": 1})
        gate = threading.Event()
        began = threading.Event()

        def blocked() -> None:
            began.set()
            gate.wait(30)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for _ in range(3):
                tasks.schedule(blocked)

        async with serving(app) as server:
            await server.get("/")
            await anyio.to_thread.run_sync(began.wait)
        gate.set()
        # The one in the thread cannot be interrupted; the two that queue for it can.
        ends = [outcome for _, outcome, _ in outcomes(recorder)]
        assert sorted(map(str, ends)) == ["abandoned", "cancelled", "cancelled"]

    async def test_an_error_handler_has_the_shield_of_its_task(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 10})
        reported = []

        async def report(task: Task[..., Any], exc: Exception) -> None:
            await anyio.sleep(5)
            reported.append((task.name, now() / 1e9))

        async def fails() -> None:
            raise ValueError

        def fails_def() -> None:
            raise ValueError

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(name="shielded", shield=True, on_error=report).schedule(fails)
            tasks.task(name="not", on_error=report).schedule(fails)
            tasks.task(name="nor this", on_error=report).schedule(fails_def)

        async with serving(app) as server:
            await server.get("/")
            assert recorder.last is not None
            while recorder.last.tasks[2].outcome is None:
                await anyio.lowlevel.checkpoint()
        assert reported == [("shielded", 5)]
        assert [outcome for _, outcome, _ in outcomes(recorder)] == ["error"] * 3
        where = "(immediate, GET / #1)"
        lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("shutdown")]
        assert lines == [
            "shutdown: waiting up to 1 s, for shielded tasks up to 10 s: "
            f"shielded {where}, not {where}, nor this {where}",
            "shutdown: cancelled error handlers after the grace period of 1 s, of: "
            f"not {where}, nor this {where}",
        ]

    async def test_refuses_tasks_once_it_is_over(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        kept: list[Any] = []
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            kept.append(tasks)

        async with serving(app) as server:
            await server.get("/")
        with pytest.raises(FastAPITasksError, match="scheduled after the app shut down"):
            kept[0].schedule(anyio.sleep, 1)
        assert recorder.open == []

    async def test_leaves_no_idle_thread_behind(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        used: list[threading.Thread] = []

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(lambda: used.append(threading.current_thread()))

        async with serving(app) as server:
            await server.settle("/")
        (thread,) = used

        def is_ours() -> bool:
            # Trio keeps its threads for a while, under names of its own.
            return thread.is_alive() and thread.name.startswith("fastapi_tasks")

        for _ in range(5000):
            if is_ours():
                thread.join(0.001)
        assert not is_ours()

    async def test_a_second_run_of_the_app_starts_afresh(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(anyio.sleep, 1)

        for _ in range(2):
            async with serving(app) as server:
                await server.get("/")
        assert [[task.outcome for task in t.tasks] for t in recorder.timelines] == [["ok"], ["ok"]]

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_a_lifespan_torn_down_without_a_shutdown_leaves_no_task_unnamed(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(anyio.sleep_forever)

        life = asyncio.Task(_lifespan_only(app))
        await anyio.wait_all_tasks_blocked()
        await Server(app).get("/")
        life.cancel()
        with pytest.raises(asyncio.CancelledError):
            await life
        assert outcomes(recorder) == [("sleep_forever", "abandoned", None)]
        assert [record.getMessage() for record in caplog.records] == [
            "shutdown: abandoned when the app's lifespan was over, still running: "
            "sleep_forever (immediate, GET / #1)"
        ]


async def _lifespan_only(app: FastAPI) -> None:
    messages = [{"type": "lifespan.startup"}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        return await anyio.sleep_forever()

    async def send(message: Any) -> None: ...

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)


class TestS2Settled:
    async def test_returns_when_all_is_answered_and_ended(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def parent(tasks: Any) -> None:
            await anyio.sleep(2)
            tasks.after_response.schedule(anyio.sleep, 3)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(parent, tasks)
            await anyio.sleep(1)

        async with serving(app) as server, anyio.create_task_group() as group:
            group.start_soon(server.get, "/")
            await anyio.sleep(0.1)
            await recorder.settled()
            assert now() == 6_000_000_000
            await recorder.settled(timeout=0)

    async def test_names_what_is_open_when_the_time_is_up(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(name="mail").schedule(anyio.sleep, 2)
            await anyio.sleep(1)

        async with serving(app) as server, anyio.create_task_group() as group:
            group.start_soon(server.get, "/")
            await anyio.sleep(0.1)
            with pytest.raises(
                TimeoutError,
                match=r"^still open after 0.5 s: GET / #1, mail \(immediate, GET / #1\)$",
            ):
                await recorder.settled(timeout=0.5)
            with pytest.raises(TimeoutError, match="mail"):
                recorder.wait_settled(timeout=0)

    async def test_serves_several_waiters(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()
        done = []

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(anyio.sleep, 2)

        async def wait(name: str) -> None:
            await recorder.settled()
            done.append((name, now()))

        async with serving(app) as server:
            await server.get("/")
            async with anyio.create_task_group() as group:
                group.start_soon(wait, "a")
                group.start_soon(wait, "b")
        assert sorted(done) == [("a", 2_000_000_000), ("b", 2_000_000_000)]

    def test_has_a_form_for_tests_that_are_not_async(self) -> None:
        app = FastAPI()
        recorder = add_tasks(app)
        gate = threading.Event()

        @app.get("/")
        def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(gate.wait, 30)

        with TestClient(app) as client:
            client.get("/")
            with pytest.raises(TimeoutError, match=r"Event\.wait"):
                recorder.wait_settled(timeout=0.01)
            gate.set()
            recorder.wait_settled(timeout=30)
            assert [t.outcome for one in recorder.timelines for t in one.tasks] == ["ok"]


class TestStarted:
    async def test_tells_and_waits_for_a_tasks_start(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        seen: list[Any] = []

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            task = tasks.schedule(anyio.sleep, 1)
            seen.append(task.started.is_set())
            await task.started.wait()
            seen.append((task.started.is_set(), now()))
            in_thread = tasks.schedule(lambda: None)
            await in_thread.started.wait()
            await in_thread.started.wait()
            seen.append(in_thread.started.is_set())

        async with serving(app) as server:
            await server.settle("/")
        assert seen == [False, (True, 0), True]

    async def test_says_when_a_task_will_never_start(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        handles: list[Task[..., Any]] = []

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            handles.append(tasks.after_response.schedule(anyio.sleep, 1))
            raise ValueError

        async with serving(app) as server:
            await server.get("/")
            with pytest.raises(RuntimeError, match="task sleep will never start: it was discarded"):
                await handles[0].started.wait()
        assert repr(handles[0]) == "<Task sleep (after_response, GET / #1): discarded>"

    async def test_says_so_to_whoever_waits_already(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        told: list[tuple[str, int]] = []

        async def waits(task: Task[..., Any]) -> None:
            with pytest.raises(RuntimeError, match="will never start") as never:
                await task.started.wait()
            told.append((str(never.value), now()))

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(waits, tasks.after_response.schedule(anyio.sleep, 1))
            await anyio.sleep(2)
            raise ValueError

        async with serving(app) as server:
            await server.get("/")
        assert told == [("task sleep will never start: it was discarded", 2_000_000_000)]
