"""I1–I3: nothing that a task or its handler raises reaches anything else."""

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Recorder, Task, TaskConfig, Tasks

from .asgi import serving

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


class Trouble(BaseException):
    pass


def raising(error: BaseException) -> Callable[[], Any]:
    async def fails() -> None:
        await anyio.sleep(0.01)
        raise error

    return fails


def raising_in_thread(error: BaseException) -> Callable[[], Any]:
    def fails() -> None:
        raise error

    return fails


ERRORS: list[BaseException] = [
    ValueError("x"),
    ExceptionGroup("several", [ValueError("x"), KeyError("y")]),
    BaseExceptionGroup("several", [Trouble()]),
    asyncio.CancelledError(),
    SystemExit(3),
    GeneratorExit(),
    StopIteration(4),
    Trouble(),
]


class TestI1NothingIsReached:
    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    @pytest.mark.parametrize("make", [raising, raising_in_thread])
    async def test_by_what_a_task_raises(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        caplog: pytest.LogCaptureFixture,
        error: BaseException,
        make: Callable[[BaseException], Callable[[], Any]],
    ) -> None:
        app = make_app()

        async def other() -> None:
            await anyio.sleep(0.1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> str:
            tasks.schedule(other)
            tasks.schedule(make(error))
            tasks.after_response.schedule(make(error))
            return "fine"

        async with serving(app) as server:
            assert (await server.get("/")).status == 200
            await recorder.settled()
            assert (await server.get("/")).status == 200
            await recorder.settled()
        # Python itself turns a StopIteration that leaves a coroutine into a RuntimeError.
        raised = "RuntimeError" if isinstance(error, StopIteration) else type(error).__name__
        for timeline in recorder.timelines:
            assert [(t.name, t.outcome, t.error) for t in timeline.tasks] == [
                ("other", "ok", None),
                ("fails", "error", raised),
                ("fails", "error", raised),
            ]
        assert len(caplog.records) == 4

    @pytest.mark.parametrize("name", [7, None, RuntimeError("there is none")])
    async def test_by_an_error_whose_class_has_no_name_to_tell(
        self, make_app: MakeApp, name: object
    ) -> None:
        class Kind(type):
            @property
            def __name__(cls) -> Any:
                if isinstance(name, Exception):
                    raise name
                return name

        class NamelessError(Exception, metaclass=Kind):
            pass

        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(raising(NamelessError()))
            tasks.schedule(anyio.sleep, 0.1)

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert [(t.outcome, t.error) for t in timeline.tasks] == [
            ("error", "NamelessError"),
            ("ok", None),
        ]

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    @pytest.mark.parametrize("awaits", [True, False])
    async def test_by_a_cancellation_that_a_task_aims_at_itself(
        self, make_app: MakeApp, recorder: Recorder, awaits: bool
    ) -> None:
        app = make_app()

        async def cancels_itself() -> None:
            current = asyncio.current_task()
            assert current is not None
            current.cancel()
            if awaits:
                await anyio.sleep(1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(cancels_itself)
            tasks.schedule(anyio.sleep, 0.1)

        async with serving(app) as server:
            await server.settle("/")
        assert recorder.last is not None
        assert [(t.outcome, t.error) for t in recorder.last.tasks] == [
            ("error", "CancelledError") if awaits else ("ok", None),
            ("ok", None),
        ]

    @pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
    @pytest.mark.parametrize("make", [raising, raising_in_thread])
    async def test_by_what_an_error_handler_raises(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        caplog: pytest.LogCaptureFixture,
        error: BaseException,
        make: Callable[[BaseException], Callable[[], Any]],
    ) -> None:
        app = make_app()
        if make is raising:

            async def handler(task: Task[..., Any], exc: Exception) -> None:
                raise error
        else:

            def handler(task: Task[..., Any], exc: Exception) -> None:
                raise error

        async def fails() -> None:
            raise ValueError

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(on_error=handler).schedule(fails)
            tasks.schedule(anyio.sleep, 0.1)

        async with serving(app) as server:
            await server.settle("/")
        assert recorder.last is not None
        assert [(t.outcome, t.error) for t in recorder.last.tasks] == [
            ("error", "ValueError"),
            ("ok", None),
        ]
        messages = [record.getMessage() for record in caplog.records]
        assert messages == [
            "task fails (immediate, GET / #1) failed after 0.0 ms",
            "on_error of task fails (immediate, GET / #1) failed itself",
        ]

    @pytest.mark.parametrize("make", [raising, raising_in_thread])
    def test_but_keyboard_interrupt_goes_on_up(
        self, make: Callable[[BaseException], Callable[[], Any]]
    ) -> None:
        from fastapi_tasks import add_tasks

        app = FastAPI()
        recorder = add_tasks(app)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(make(KeyboardInterrupt()))

        async def main() -> None:
            async with serving(app) as server:
                await server.get("/")
                await anyio.sleep(5)

        with pytest.raises(KeyboardInterrupt):
            asyncio.run(main())
        assert recorder.last is not None
        assert [task.outcome for task in recorder.last.tasks] == ["error"]
        # The loop was left in the middle: its task complains when it is collected, so here.
        gc.collect()


class TestI2Logging:
    async def test_each_failure_once_with_traceback_and_without_arguments(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app()

        async def charge(card: str, *, password: str) -> None:
            await anyio.sleep(0.0125)
            raise ConnectionError("bank is away")

        @app.post("/orders")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(charge, "4111 1111", password="hunter2")

        async with serving(app) as server:
            await server.settle("/orders", method="POST")
        (record,) = caplog.records
        assert (record.name, record.levelno) == ("fastapi_tasks", logging.ERROR)
        assert record.getMessage() == (
            "task charge (after_response, POST /orders #1) failed after 12.5 ms"
        )
        assert "in charge" in caplog.text
        assert "ConnectionError: bank is away" in caplog.text
        for secret in ("4111", "hunter2"):
            assert secret not in caplog.text

    async def test_the_recording_holds_neither_arguments_nor_messages(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        from fastapi_tasks import to_json

        app = make_app()

        async def charge(card: str) -> None:
            raise ValueError(f"no such card {card}")

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(charge, "4111 1111")

        async with serving(app) as server:
            await server.settle("/?token=hunter2")
        written = to_json(recorder.timelines)
        assert '"error":"ValueError"' in written
        assert "4111" not in written
        assert "hunter2" not in written


class TestI3ErrorHandlers:
    @pytest.mark.parametrize("kind", ["async", "def"])
    @pytest.mark.parametrize("task_kind", ["async", "def"])
    async def test_get_the_task_and_what_it_raised(
        self, make_app: MakeApp, recorder: Recorder, kind: str, task_kind: str
    ) -> None:
        app = make_app()
        calls: list[Any] = []

        async def report(task: Task[..., Any], exc: Exception) -> None:
            calls.append((task.func, task.args, task.kwargs, task.config.name, repr(exc)))

        def report_def(task: Task[..., Any], exc: Exception) -> None:
            calls.append((task.func, task.args, task.kwargs, task.config.name, repr(exc)))

        async def fails(a: int, b: int) -> None:
            raise ValueError("x")

        def fails_def(a: int, b: int) -> None:
            raise ValueError("x")

        func = fails if task_kind == "async" else fails_def
        handler: Any = report if kind == "async" else report_def

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(name="doomed", on_error=handler).schedule(func, 1, b=2)

        async with serving(app) as server:
            await server.settle("/")
        assert calls == [(func, (1,), {"b": 2}, "doomed", "ValueError('x')")]

    async def test_a_tasks_own_setting_wins_over_the_apps(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        calls = []

        async def of_app(task: Task[..., Any], exc: Exception) -> None:
            calls.append(("app", task.name))

        async def of_task(task: Task[..., Any], exc: Exception) -> None:
            calls.append(("task", task.name))

        app = make_app(tasks={"config": TaskConfig(name="job", on_error=of_app, shield=True)})

        async def fails() -> None:
            raise ValueError

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(fails)
            tasks.task(name="mine", on_error=of_task, shield=False).schedule(fails)
            tasks.after_route.task(name="a").task(on_error=of_task).schedule(fails)

        async with serving(app) as server:
            await server.settle("/")
        assert sorted(calls) == [("app", "job"), ("task", "a"), ("task", "mine")]
        assert recorder.last is not None
        assert [task.shield for task in recorder.last.tasks] == [True, False, True]


class TestS3Memory:
    async def test_a_finished_task_keeps_nothing_of_its_arguments_alive(
        self, make_app: MakeApp, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # pytest keeps the log records of a test, and with their tracebacks the tasks' frames.
        monkeypatch.setattr(logging.getLogger("fastapi_tasks"), "disabled", True)
        app = make_app()

        class Heavy:
            pass

        handles: list[Task[..., Any]] = []
        alive: list[weakref.ref[Heavy]] = []

        async def uses(heavy: Heavy) -> None: ...
        def uses_def(heavy: Heavy) -> None: ...
        async def fails(heavy: Heavy) -> None:
            raise ValueError

        @app.get("/")
        async def endpoint(tasks: Tasks, fail: bool = False) -> None:
            for scheduler in (tasks, tasks.after_route, tasks.after_response):
                for func in (uses, uses_def, fails):
                    heavy = Heavy()
                    alive.append(weakref.ref(heavy))
                    handles.append(scheduler.schedule(func, heavy))
            del heavy
            if fail:
                raise ValueError

        async with serving(app) as server:
            await server.get("/")
            await server.settle("/?fail=1")
            await anyio.sleep(1)
        gc.collect()
        assert len(alive) == 18
        assert [ref() for ref in alive] == [None] * 18
        assert {(task.args, *task.kwargs) for task in handles} == {((),)}

    async def test_the_recorder_keeps_the_last_and_counts_the_rest(self) -> None:
        from fastapi_tasks import add_tasks

        app = FastAPI()
        recorder = add_tasks(app, recorder=Recorder(maxlen=3))

        @app.get("/{number}")
        async def endpoint(number: int, tasks: Tasks) -> None:
            tasks.schedule(anyio.sleep, 0)

        async with serving(app) as server:
            for number in range(5):
                await server.get(f"/{number}")
            await recorder.settled()
            assert [t.path for t in recorder.timelines] == ["/2", "/3", "/4"]
            assert (recorder.maxlen, recorder.dropped) == (3, 2)
            assert repr(recorder) == "<Recorder: 3 requests, 2 dropped>"
            recorder.clear()
            assert (recorder.timelines, recorder.last, recorder.dropped) == ([], None, 0)
            await server.get("/9")
            assert [t.title for t in recorder.timelines] == ["GET /9 #6"]
