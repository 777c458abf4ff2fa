"""How long a task may run, and how many at once."""

from __future__ import annotations

import threading
import xmlrpc.client
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Event, Recorder, Task, TaskConfig, Tasks, add_tasks
from fastapi_tasks.slots import Limiters

from .asgi import serving
from .virtual import now

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]
SECOND = 1_000_000_000


async def sleep(seconds: float) -> None:
    await anyio.sleep(seconds)


class TestTimeout:
    async def test_ends_a_coroutine(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app()
        cleaned: list[int] = []

        async def slow() -> None:
            try:
                await anyio.sleep(5)
            finally:
                cleaned.append(now())

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.task(timeout=2).schedule(slow)
            tasks.after_response.task(timeout=2).schedule(sleep, 1)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        slow_one, quick = recorder.timelines[0].tasks
        assert (slow_one.outcome, slow_one.error, slow_one.ran) == ("timeout", None, 2 * SECOND)
        assert (quick.outcome, quick.ran) == ("ok", SECOND)
        assert cleaned == [2 * SECOND]
        assert [one.getMessage() for one in caplog.records] == [
            "task slow (after_response, GET / #1) timed out after 2 s"
        ]

    async def test_is_counted_from_the_first_line(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for _ in range(3):
                tasks.task(timeout=1.5, limit=1).schedule(sleep, 1)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        tasks = recorder.timelines[0].tasks
        assert [(one.outcome, one.waited) for one in tasks] == [
            ("ok", 0),
            ("ok", SECOND),
            ("ok", 2 * SECOND),
        ]

    async def test_tells_the_error_handler(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()
        told: list[str] = []

        async def report(task: Task[..., Any], error: Exception) -> None:
            told.append(f"{task.name} {task.outcome}: {error!r}")

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(timeout=1, on_error=report).schedule(sleep, 5)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        assert told == ["sleep timeout: TimeoutError('the task ran for longer than 1 s')"]

    async def test_leaves_the_error_handler_its_own_time(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It may await, it may fail, and what it does with groups and timeouts works."""
        app = make_app()
        reported: list[str] = []

        async def fails() -> None:
            raise LookupError

        async def fails_when_cancelled() -> None:
            try:
                await anyio.sleep(5)
            finally:
                raise ValueError

        async def report(task: Task[..., Any], error: Exception) -> None:
            await anyio.sleep(2)
            with anyio.move_on_after(1):
                await anyio.sleep(5)
            reported.append(f"{type(error).__name__} of {task.name} at {now() // SECOND} s")
            async with anyio.create_task_group() as group:
                group.start_soon(fails)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            limited = tasks.task(timeout=1, on_error=report)
            limited.schedule(sleep, 5)
            limited.schedule(fails_when_cancelled)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        assert sorted(reported) == [
            "TimeoutError of sleep at 4 s",
            "ValueError of fails_when_cancelled at 4 s",
        ]
        own_failures = [one for one in caplog.records if "failed itself" in one.getMessage()]
        groups = [one.exc_info[1] for one in own_failures if one.exc_info]
        assert [type(one) for one in groups] == [ExceptionGroup] * 2

    async def test_cancels_its_error_handler_with_a_shutdown(self, recorder: Recorder) -> None:
        app = FastAPI()
        add_tasks(app, recorder=recorder, grace_period=3, shutdown_timeout=60)

        async def report(task: Task[..., Any], error: Exception) -> None:
            await anyio.sleep(30)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(timeout=1, on_error=report).schedule(sleep, 5)

        async with serving(app) as server:
            await server.get("/")
        assert now() == 3 * SECOND
        assert recorder.timelines[0].tasks[0].outcome == "timeout"

    async def test_is_no_word_for_a_task_that_ran_to_its_end(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        """A function that returns is ok, whatever happened around it."""
        app = make_app()

        async def stubborn() -> None:
            try:
                await anyio.sleep(5)
            except anyio.get_cancelled_exc_class():
                return

        async def fails_at_last() -> None:
            try:
                await anyio.sleep(5)
            finally:
                raise LookupError

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(timeout=1).schedule(stubborn)
            tasks.task(timeout=1).schedule(fails_at_last)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        outcomes = [(one.outcome, one.error) for one in recorder.timelines[0].tasks]
        assert outcomes == [("ok", None), ("error", "LookupError")]

    async def test_of_the_app_is_the_default(self, recorder: Recorder) -> None:
        app = FastAPI()
        add_tasks(app, recorder=recorder, config=TaskConfig(timeout=1))

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(sleep, 2)
            tasks.task(timeout=3).schedule(sleep, 2)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        assert [one.outcome for one in recorder.timelines[0].tasks] == ["timeout", "ok"]


class TestLimit:
    async def test_that_is_a_number_counts_each_function(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def other() -> None:
            await anyio.sleep(1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            limited = tasks.after_response.task(limit=2)
            for _ in range(3):
                limited.schedule(sleep, 1)
            limited.schedule(partial(sleep, 1))
            limited.schedule(other)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        tasks = recorder.timelines[0].tasks
        assert [one.queued for one in tasks] == [0, 0, SECOND, SECOND, 0]
        assert [one.waited for one in tasks] == [0, 0, SECOND, SECOND, 0]
        assert [one.admitted == one.started for one in tasks] == [True] * 5

    async def test_that_is_a_number_tells_what_looks_alike_apart(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        """Decorated functions have one code, builtins and classes one type each."""
        app = make_app()

        def decorated(func: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(func)
            async def wrapper() -> None:
                await func(1)

            return wrapper

        async def other(seconds: float) -> None:
            await anyio.sleep(seconds)

        class Slow: ...

        class Slower(Slow): ...

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for func in (decorated(sleep), decorated(other), decorated(sleep)):
                tasks.task(limit=1).schedule(func)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        assert [one.queued for one in recorder.timelines[0].tasks] == [0, 0, SECOND]
        of = Limiters().of
        assert len({of(func, 1) for func in (Slow, Slower, len, print, [].append)}) == 5

    async def test_that_is_a_number_counts_a_proxy_that_is_made_anew(self) -> None:
        proxy, limiters = xmlrpc.client.ServerProxy("http://shop"), Limiters()
        assert limiters.of(proxy.send, 1) is limiters.of(proxy.send, 1)

    async def test_that_is_a_limiter_is_shared(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()
        limiter = anyio.CapacityLimiter(1)

        async def other() -> None:
            await anyio.sleep(1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(limit=limiter).schedule(other)
            tasks.task(limit=limiter).schedule(sleep, 1)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        assert [one.queued for one in recorder.timelines[0].tasks] == [0, SECOND]
        assert limiter.borrowed_tokens == 0

    async def test_gives_a_slot_back_however_a_task_ends(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def fails() -> None:
            raise LookupError

        limiter = anyio.CapacityLimiter(1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(limit=limiter).schedule(fails)
            tasks.task(limit=limiter, timeout=1).schedule(sleep, 5)
            tasks.task(limit=limiter).schedule(sleep, 0)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        outcomes = [one.outcome for one in recorder.timelines[0].tasks]
        assert outcomes == ["error", "timeout", "ok"]
        assert limiter.borrowed_tokens == 0

    async def test_what_waits_for_a_slot_is_cancelled_with_a_shutdown(
        self, recorder: Recorder
    ) -> None:
        app = FastAPI()
        add_tasks(app, recorder=recorder, grace_period=1, shutdown_timeout=2)
        ran: list[float] = []

        async def work(seconds: float) -> None:
            ran.append(seconds)
            await anyio.sleep(seconds)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(limit=1).schedule(work, 3)
            tasks.task(limit=1).schedule(work, 1)

        async with serving(app) as server:
            await server.get("/")
        first, second = recorder.timelines[0].tasks
        assert (first.outcome, second.outcome) == ("cancelled", "cancelled")
        assert (second.admitted, second.started, ran) == (None, None, [3])

    @pytest.mark.parametrize("kind", ["coroutine", "function"])
    async def test_that_comes_free_as_its_task_is_cancelled_is_given_back(
        self, recorder: Recorder, kind: str
    ) -> None:
        app = FastAPI()
        add_tasks(app, recorder=recorder, grace_period=1, shutdown_timeout=2)
        limiter = anyio.CapacityLimiter(1)
        limiter.acquire_on_behalf_of_nowait("somebody")
        ran: list[int] = []

        async def note(number: int) -> None:
            ran.append(number)

        def give_back(event: Event) -> None:
            if event.kind == "finished":
                limiter.release_on_behalf_of("somebody")

        recorder.subscribe(give_back)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(limit=limiter).schedule(note if kind == "coroutine" else ran.append, 1)

        async with serving(app) as server:
            await server.get("/")
        (task,) = recorder.timelines[0].tasks
        assert (task.outcome, task.admitted, task.started, ran) == ("cancelled", None, None, [])
        assert limiter.borrowed_tokens == 0


class TestInAThread:
    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(self, request: pytest.FixtureRequest) -> str:
        """Both backends on real time: a thread takes no part in virtual time."""
        backend: str = request.param
        return backend

    async def test_a_function_is_let_go_and_keeps_its_slot(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app()
        gate = threading.Event()
        limiter = anyio.CapacityLimiter(1)
        went_on: list[str] = []

        def blocks() -> None:
            gate.wait(30)
            went_on.append("to its end")

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(timeout=0.05, limit=limiter).schedule(blocks)
            tasks.task(limit=limiter).schedule(sleep, 0)

        async with serving(app) as server:
            await server.get("/")
            while recorder.timelines[0].tasks[0].outcome is None:
                await anyio.sleep(0.01)
            let_go, waits = recorder.timelines[0].tasks
            finished = let_go.finished
            assert waits.outcome is None
            assert limiter.borrowed_tokens == 1
            gate.set()
            await recorder.settled(10)
        assert let_go.finished == finished
        assert [one.outcome for one in recorder.timelines[0].tasks] == ["timeout", "ok"]
        assert went_on == ["to its end"]
        assert limiter.borrowed_tokens == 0
        assert [one.getMessage() for one in caplog.records] == [
            "task blocks (immediate, GET / #1) timed out after 0.05 s; "
            "its thread goes on, since nothing can stop it"
        ]

    async def test_what_it_returns_is_awaited_in_its_time_and_its_slot(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        limiter = anyio.CapacityLimiter(1)
        working, most = 0, 0

        async def work(seconds: float) -> None:
            nonlocal working, most
            working += 1
            most = max(most, working)
            try:
                await anyio.sleep(seconds)
            finally:
                working -= 1

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(limit=limiter, timeout=0.05).schedule(lambda: work(30))
            for _ in range(3):
                tasks.task(limit=limiter).schedule(lambda: work(0.02))

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled(10)
        tasks = recorder.timelines[0].tasks
        assert [one.outcome for one in tasks] == ["timeout", "ok", "ok", "ok"]
        assert most == 1
        assert limiter.borrowed_tokens == 0

    async def test_a_function_in_time_is_ok(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(timeout=30, limit=1).schedule(int, "7")

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled(10)
        assert [one.outcome for one in recorder.timelines[0].tasks] == ["ok"]


class TestBadSettings:
    @pytest.mark.parametrize(
        ("settings", "error", "words"),
        [
            ({"timeout": 0}, ValueError, "never run, or always: give seconds above 0"),
            ({"timeout": float("inf")}, ValueError, "give seconds above 0"),
            ({"timeout": "2"}, TypeError, "object of type str.*give seconds, as a number"),
            ({"timeout": True}, TypeError, "object of type bool"),
            ({"limit": 0}, ValueError, "no task could ever run: give at least 1"),
            ({"limit": 1.5}, TypeError, "type float, which has no slots.*CapacityLimiter"),
            ({"on_error": "report"}, TypeError, "type str, which nobody could call.*give a func"),
            ({"shield": "no"}, TypeError, "type str, which is neither: give True or False"),
        ],
    )
    async def test_are_refused(
        self, settings: dict[str, Any], error: type[Exception], words: str
    ) -> None:
        with pytest.raises(error, match=words):
            TaskConfig(**settings)
