"""S1: a shutdown while things go on happening, on virtual time."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI

from fastapi_tasks import Recorder, Task, Tasks, add_tasks
from fastapi_tasks.errors import FastAPITasksError

from .asgi import Server, serving
from .processes import ROOT
from .virtual import now

MakeApp = Callable[..., FastAPI]
Ends = list[tuple[str, str | None, str | None, float | None]]


def ends(recorder: Recorder) -> Ends:
    """Name, outcome, error, and when it finished, in seconds."""
    assert recorder.last is not None
    return [
        (t.name, t.outcome, t.error, None if t.finished is None else t.finished / 1e9)
        for t in recorder.last.tasks
    ]


@pytest.mark.anyio
class TestTheGracePeriod:
    async def test_lasts_while_the_last_task_makes_others_begin(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        kept: list[Any] = []
        last_is_over = anyio.Event()

        async def last() -> None:
            await anyio.sleep(1)
            last_is_over.set()

        async def one_more() -> None:
            await last_is_over.wait()
            kept[0].task(name="one more").schedule(anyio.sleep, 1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(last)
            kept.append(tasks)

        async with anyio.create_task_group() as group, serving(app) as server:
            group.start_soon(one_more)
            await server.get("/")
        assert ends(recorder) == [("last", "ok", None, 1), ("one more", "ok", None, 2)]

    async def test_serves_requests_that_are_under_way(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_route.task(name="audit").schedule(anyio.sleep, 1)
            tasks.after_response.task(name="mail").schedule(anyio.sleep, 1)
            await anyio.sleep(2)
            tasks.after_response.task(name="later mail").schedule(anyio.sleep, 1)

        async with anyio.create_task_group() as group, serving(app) as server:
            group.start_soon(server.get, "/")
            await anyio.sleep(0.5)
        assert ends(recorder) == [(name, "ok", None, 3) for name in ("audit", "mail", "later mail")]
        assert now() == 3_000_000_000

    async def test_ends_with_what_still_waits_for_its_phase(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 8})

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.task(name="mail").schedule(anyio.sleep, 1)
            tasks.after_response.task(name="bill", shield=True).schedule(anyio.sleep, 1)
            await anyio.sleep(5)

        async with anyio.create_task_group() as group, serving(app) as server:
            group.start_soon(server.get, "/")
            await anyio.lowlevel.checkpoint()
        assert ends(recorder) == [("mail", "cancelled", None, 1), ("bill", "ok", None, 6)]
        assert [record.getMessage() for record in caplog.records][1:] == [
            "shutdown: cancelled after the grace period of 1 s: mail (after_response, GET / #1)"
        ]

    async def test_does_not_discard_again_what_it_has_cancelled(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 8})

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.task(name="mail").schedule(anyio.sleep, 1)
            tasks.after_response.task(name="bill", shield=True).schedule(anyio.sleep, 1)
            await anyio.sleep(5)
            raise ValueError

        async with anyio.create_task_group() as group, serving(app) as server:
            group.start_soon(server.get, "/")
            await anyio.lowlevel.checkpoint()
        assert ends(recorder) == [("mail", "cancelled", None, 1), ("bill", "discarded", None, 5)]
        assert [r.getMessage() for r in caplog.records if "discarded" in r.getMessage()] == [
            "GET / #1 failed with ValueError, so its tasks are discarded: bill (after_response)"
        ]


@pytest.mark.anyio
class TestWhatIsCancelled:
    async def test_has_no_error(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 1})
        resumed: list[str] = []

        async def rest() -> None:
            resumed.append("on the loop")
            await anyio.sleep_forever()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(anyio.sleep_forever)
            tasks.task(name="first in a thread").schedule(lambda: rest())

        async with serving(app) as server:
            await server.get("/")
            while not resumed:
                await anyio.lowlevel.checkpoint()
        assert [end[:3] for end in ends(recorder)] == [
            ("sleep_forever", "cancelled", None),
            ("first in a thread", "cancelled", None),
        ]

    async def test_may_still_fail_and_says_so(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 5})

        async def loses_its_work() -> None:
            try:
                await anyio.sleep_forever()
            finally:
                raise ConnectionError

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(loses_its_work)

        async with serving(app) as server:
            await server.get("/")
        assert ends(recorder) == [("loses_its_work", "error", "ConnectionError", 1)]
        assert caplog.records[-1].getMessage() == (
            "task loses_its_work (immediate, GET / #1) failed after 1000.0 ms"
        )

    async def test_may_take_as_long_as_the_shutdown(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 5})

        async def cleans_up() -> None:
            try:
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(3)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(cleans_up)

        async with serving(app) as server:
            await server.get("/")
        assert ends(recorder) == [("cleans_up", "cancelled", None, 4)]
        assert now() == 4_000_000_000


@pytest.mark.anyio
class TestWhatTheLogNames:
    @pytest.mark.parametrize(
        ("number", "rest"), [(100, ""), (103, ", and 3 more: b (immediate) × 2, c (immediate) × 1")]
    )
    async def test_is_each_of_a_hundred_and_the_others_counted(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        caplog: pytest.LogCaptureFixture,
        number: int,
        rest: str,
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for index in range(number):
                name = "a" if index < 100 else "b" if index < 102 else "c"
                tasks.task(name=name).schedule(anyio.sleep, 1)

        async with serving(app) as server:
            await server.get("/")
        (line,) = caplog.records
        assert line.getMessage() == (
            "shutdown: waiting up to 5 s, for shielded tasks up to 25 s: "
            + ", ".join(["a (immediate, GET / #1)"] * 100)
            + rest
        )

    async def test_is_nothing_where_nothing_runs(
        self, make_app: MakeApp, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with serving(make_app()) as server:
            await server.get("/nowhere")
        assert caplog.records == []
        assert now() == 0


@pytest.mark.anyio
class TestErrorHandlersInThreads:
    @pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
    async def test_are_waited_for_and_named(self, caplog: pytest.LogCaptureFixture) -> None:
        app = FastAPI()
        recorder = add_tasks(app, grace_period=0.02, shutdown_timeout=30)
        began, gate = threading.Event(), threading.Event()
        reported: list[str] = []

        def report(task: Task[..., Any], _: Exception) -> None:
            began.set()
            gate.wait(30)
            reported.append(task.name)

        async def fails() -> None:
            raise ValueError

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(on_error=report).schedule(fails)

        async with anyio.create_task_group() as group, serving(app) as server:
            await server.get("/")
            await anyio.to_thread.run_sync(began.wait)

            async def open_when_named() -> None:
                while "in a thread" not in caplog.text:
                    await anyio.sleep(0.002)
                gate.set()

            group.start_soon(open_when_named)
        assert reported == ["fails"]
        assert [end[:3] for end in ends(recorder)] == [("fails", "error", "ValueError")]
        assert [record.getMessage() for record in caplog.records][-1] == (
            "shutdown: in a thread, where nothing can cancel them, so they are waited for up to "
            "30 s in all: fails (immediate, GET / #1)"
        )


class SlowToTell:
    """A callable that holds up who asks for its signature, in the middle of `schedule()`."""

    def __init__(self) -> None:
        self.asked, self.gate = threading.Event(), threading.Event()
        self.calls = 0

    @property
    def __signature__(self) -> inspect.Signature:
        self.asked.set()
        assert self.gate.wait(30)
        return inspect.Signature()

    def __call__(self) -> None:
        self.calls += 1


@pytest.mark.anyio
class TestAThreadThatSchedulesAcrossTheEnd:
    """It asked before the end, and is accepted after."""

    @pytest.mark.parametrize("shield", [False, True])
    async def test_is_told_so(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        caplog: pytest.LogCaptureFixture,
        shield: bool,
    ) -> None:
        app = make_app()
        work = SlowToTell()
        threads: list[threading.Thread] = []
        told: list[str] = []

        def schedule(tasks: Any) -> None:
            try:
                tasks.task(shield=shield).schedule(work)
            except FastAPITasksError as error:
                told.append(str(error))

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            threads.append(threading.Thread(target=schedule, args=[tasks]))
            threads[0].start()
            assert work.asked.wait(30)

        async with serving(app) as server:
            await server.get("/")
        work.gate.set()
        threads[0].join(30)
        await anyio.sleep(1)
        assert told == [
            "task SlowToTell (immediate, GET / #1) was scheduled after the app shut down, so "
            "nothing can run it: end what schedules tasks before the shutdown"
        ]
        assert (ends(recorder), work.calls, recorder.open, caplog.records) == ([], 0, [], [])


@pytest.mark.anyio
async def test_s1a_nothing_is_accepted_while_the_apps_own_resources_close(
    recorder: Recorder,
) -> None:
    kept: list[Any] = []
    called: list[str] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        for scheduler in (kept[0], kept[0].after_route, kept[0].after_response):
            with pytest.raises(FastAPITasksError, match="was scheduled after the app shut down"):
                scheduler.task(shield=True).schedule(called.append, "with the database closed")
        await anyio.sleep(1)

    app = FastAPI(lifespan=lifespan)
    add_tasks(app, recorder=recorder)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        kept.append(tasks)

    async with serving(app) as server:
        await server.get("/")
    assert (called, ends(recorder), recorder.open) == ([], [], [])


@pytest.mark.anyio
async def test_two_shutdowns_of_the_same_app_are_two(make_app: MakeApp, recorder: Recorder) -> None:
    app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 2})

    @app.get("/{seconds}")
    async def endpoint(seconds: int, tasks: Tasks) -> None:
        tasks.schedule(anyio.sleep, seconds)

    for seconds in (3, 0):
        async with serving(app) as server:
            await server.get(f"/{seconds}")
    with pytest.raises(FastAPITasksError):
        raise (await Server(app).get("/1")).error or AssertionError
    assert [[t.outcome for t in one.tasks] for one in recorder.timelines] == [
        ["cancelled"],
        ["ok"],
        [],
    ]


OUTLIVING = """
import subprocess
import sys
import threading

import anyio
from fastapi import FastAPI

from fastapi_tasks import Recorder, Tasks, add_tasks
from tests.asgi import serving


async def main() -> None:
    gate, event = threading.Event(), anyio.Event()

    async def in_a_thread() -> None:
        await anyio.to_thread.run_sync(gate.wait, 10)

    async def shielded() -> None:
        with anyio.CancelScope(shield=True):
            await event.wait()

    app = FastAPI()
    recorder = add_tasks(app, grace_period=0, shutdown_timeout=0)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.schedule(KIND)

    async with serving(app) as server:
        await server.get("/")
        await anyio.wait_all_tasks_blocked()
    gate.set()
    event.set()
    # The one who let it wait is done only now.
    await anyio.sleep(0.1)
    assert recorder.last is not None
    assert len(recorder.last.tasks) == 1
    print("the loop goes on")


anyio.run(main, backend="BACKEND")
"""


@pytest.mark.parametrize("kind", ["in_a_thread", "shielded"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_what_a_dropped_task_has_waited_for_may_still_happen(backend: str, kind: str) -> None:
    script = OUTLIVING.replace("KIND", kind).replace("BACKEND", backend)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "the loop goes on\n"), done.stderr
