"""The timing contract, T10 to T12: context, threads, and what can be called."""

import contextvars
import functools
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest

from fastapi_tasks import Recorder, Tasks

from .asgi import serving
from .timing import MakeApp, last, work

pytestmark = pytest.mark.anyio


class TestT10Context:
    @pytest.mark.parametrize("kind", ["async", "def"])
    async def test_each_task_sees_the_variables_as_at_its_schedule_call(
        self, make_app: MakeApp, recorder: Recorder, kind: str
    ) -> None:
        app = make_app()
        variable = contextvars.ContextVar("variable", default="unset")
        seen = []

        async def look(mode: str) -> None:
            seen.append((mode, "async", variable.get()))

        def look_in_thread(mode: str) -> None:
            seen.append((mode, "def", variable.get()))

        def schedule_all(tasks: Any) -> None:
            schedulers = {
                "immediate": tasks,
                "after_route": tasks.after_route,
                "after_response": tasks.after_response,
            }
            for mode, scheduler in schedulers.items():
                for look_at in (look, look_in_thread):
                    variable.set(f"{mode} {look_at.__name__}")
                    scheduler.schedule(look_at, mode)
            variable.set("later")

        if kind == "async":

            @app.get("/")
            async def endpoint(tasks: Tasks) -> None:
                schedule_all(tasks)

        else:

            @app.get("/")
            def endpoint_def(tasks: Tasks) -> None:
                schedule_all(tasks)

        async with serving(app) as server:
            await server.settle("/")
        assert sorted(seen) == sorted(
            (mode, how, f"{mode} {name}")
            for mode in ("immediate", "after_route", "after_response")
            for how, name in (("async", "look"), ("def", "look_in_thread"))
        )


class TestT11Threads:
    async def test_def_tasks_run_in_worker_threads_of_their_own(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app(tasks={"threads": 2})
        gate = threading.Event()
        running, most = [], []

        def blocked() -> None:
            running.append(1)
            most.append(len(running))
            gate.wait(30)
            running.pop()

        @app.get("/flood")
        async def flood(tasks: Tasks) -> None:
            for _ in range(200):
                tasks.schedule(blocked)

        @app.get("/def")
        def plain() -> str:
            return "answered"

        async with serving(app) as server:
            await server.get("/flood")
            answer = await server.get("/def")
            assert answer.body == b'"answered"'
            assert len(running) <= 2
            gate.set()
            await recorder.settled()
        assert max(most) <= 2
        assert [task.outcome for task in recorder.timelines[0].tasks] == ["ok"] * 200
        assert all(task.thread for task in recorder.timelines[0].tasks)

    async def test_schedule_may_be_called_from_any_thread(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        ran = []

        async def task(name: str) -> None:
            ran.append(name)

        @app.get("/")
        def endpoint(tasks: Tasks) -> None:
            def from_plain_thread() -> None:
                tasks.schedule(task, "immediate")
                tasks.after_route.schedule(task, "after_route")
                tasks.after_response.schedule(task, "after_response")

            thread = threading.Thread(target=from_plain_thread)
            thread.start()
            thread.join()

        async with serving(app) as server:
            await server.settle("/")
        assert sorted(ran) == ["after_response", "after_route", "immediate"]
        assert [t.mode for t in last(recorder).tasks] == [
            *("immediate", "after_route", "after_response")
        ]

    async def test_a_thread_that_outlives_the_request_loses_nothing(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        gate = threading.Event()
        threads = []

        @app.get("/")
        def endpoint(tasks: Tasks) -> None:
            def later() -> None:
                gate.wait(30)
                tasks.after_response.schedule(work, 0)

            thread = threading.Thread(target=later)
            thread.start()
            threads.append(thread)

        async with serving(app) as server:
            await server.get("/")
            gate.set()
            await anyio.to_thread.run_sync(threads[0].join)
            await recorder.settled()
        assert [task.outcome for task in last(recorder).tasks] == ["ok"]

    async def test_anyio_from_thread_works_in_a_def_task(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        results = []

        async def on_loop(value: int) -> int:
            await anyio.lowlevel.checkpoint()
            return value + 1

        def task() -> None:
            results.append(anyio.from_thread.run(on_loop, 41))

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(task)

        async with serving(app) as server:
            await server.settle("/")
        assert results == [42]


class Mailer:
    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, to: str) -> None:
        self.sent.append(f"send {to}")

    def post(self, to: str) -> None:
        self.sent.append(f"post {to}")

    async def __call__(self, to: str) -> None:
        self.sent.append(f"call {to}")


class TestT12Callables:
    async def test_takes_whatever_can_be_called(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        mailer = Mailer()

        def returns_a_coroutine(to: str) -> Any:
            return mailer.send(to)

        @functools.wraps(mailer.send)
        def wrapped(to: str) -> Any:
            return mailer.send(to)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(mailer.send, "method")
            tasks.schedule(mailer.post, "def method")
            tasks.schedule(mailer, "object")
            tasks.schedule(functools.partial(mailer.send, "partial"))
            tasks.schedule(functools.partial(mailer.post), "def partial")
            tasks.schedule(lambda: mailer.send("lambda"))
            tasks.schedule(returns_a_coroutine, to="def")
            tasks.schedule(wrapped, "wrapped")
            tasks.schedule(mailer.sent.append, "builtin")

        async with serving(app) as server:
            await server.settle("/")
        assert sorted(mailer.sent) == [
            "builtin",
            "call object",
            "post def method",
            "post def partial",
            "send def",
            "send lambda",
            "send method",
            "send partial",
            "send wrapped",
        ]
        assert [(t.name, t.outcome, t.thread) for t in last(recorder).tasks] == [
            ("Mailer.send", "ok", False),
            ("Mailer.post", "ok", True),
            ("Mailer", "ok", False),
            ("Mailer.send", "ok", False),
            ("Mailer.post", "ok", True),
            ("<lambda>", "ok", True),
            ("returns_a_coroutine", "ok", True),
            ("Mailer.send", "ok", True),
            ("list.append", "ok", True),
        ]

    async def test_refuses_what_would_not_run(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()
        errors = []

        def numbers() -> Iterator[int]:
            yield 1

        async def more_numbers() -> AsyncIterator[int]:
            yield 1

        def add(left: int, right: int) -> int:
            return left + right

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            def refused(func: Any, *args: Any, **kwargs: Any) -> None:
                with pytest.raises(TypeError) as caught:
                    tasks.schedule(func, *args, **kwargs)
                errors.append(str(caught.value))

            refused(numbers)
            refused(functools.partial(more_numbers))
            refused(work())
            refused("send_mail")
            refused(add, 1)
            refused(add, 1, 2, secret=3)
            refused(work, 1, 2)
            tasks.schedule(work)

        async with serving(app) as server:
            await server.settle("/")
        assert errors == [
            "schedule() got a generator function, numbers: calling it runs none of its code. "
            "Pass a function that iterates over it",
            "schedule() got an async generator function, more_numbers: calling it runs none of "
            "its code. Pass a function that iterates over it",
            "schedule() got a coroutine object, work(…), which could run only once and outside "
            "of the task: pass the function and its arguments, schedule(work, …)",
            "schedule() got an object of type str, which cannot be called: pass a function, then "
            "its arguments",
            "add(left: int, right: int) -> int cannot be called with the arguments given "
            "to schedule(): missing a required argument: 'right'",
            "add(left: int, right: int) -> int cannot be called with the arguments given "
            "to schedule(): got an unexpected keyword argument 'secret'",
            "work() takes from 0 to 1 positional arguments but 2 were given",
        ]
        assert [(t.name, t.outcome) for t in last(recorder).tasks] == [("work", "ok")]
