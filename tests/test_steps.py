"""§6: the library hides no frame, and counts each step that holds the loop once."""

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import StreamingResponse

from fastapi_tasks import Recorder, RecordingMiddleware, Tasks, add_tasks
from fastapi_tasks.recorder import keeper_of
from fastapi_tasks.steps import Owner, Steps

from .asgi import Server, serving
from .virtual import block, now

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


class Pure:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


async def passes(request: Request, call_next: Any) -> Any:
    return await call_next(request)


def add(app: FastAPI, middlewares: str) -> None:
    for name in middlewares.split():
        if name == "cors":
            app.add_middleware(CORSMiddleware, allow_origins=["*"])
        elif name == "pure":
            app.add_middleware(Pure)
        elif name == "base":
            app.middleware("http")(passes)


STACKS = ["", "pure", "cors pure pure", "base", "base base", "pure base cors"]


def awaited(one: Any) -> list[str]:
    """Name what a suspended coroutine awaits, and what that awaits, to the end."""
    names = []
    while one is not None:
        code = getattr(one, "cr_code", None) or getattr(one, "gi_code", None)
        names.append(type(one).__name__ if code is None else code.co_qualname)
        links = ("cr_await", "ag_await", "gi_yieldfrom")
        one = next((getattr(one, link) for link in links if hasattr(one, link)), None)
    return [name.rpartition("<locals>.")[2] for name in names]


class Stopped:
    """Where a request and a task of it stand still, to be looked at from outside."""

    def __init__(self) -> None:
        self.gate = anyio.Event()
        self.looked: dict[str, Any] = {}

    def note(self, name: str) -> None:
        self.looked[name] = anyio.get_current_task()

    def app(self, app: FastAPI) -> FastAPI:
        async def send_mail() -> None:
            self.note("task")
            await self.stand_still()

        @app.get("/")
        async def order(tasks: Tasks) -> None:
            tasks.schedule(send_mail)
            self.note("endpoint")
            await self.stand_still()

        return app

    async def stand_still(self) -> None:
        await self.gate.wait()


@pytest.mark.parametrize("stack", ["", "pure", "cors pure"])
class TestWhoeverWalksTheChainOfAwaits:
    async def test_reaches_the_endpoint_and_the_task(
        self, make_app: MakeApp, anyio_backend_name: str, stack: str
    ) -> None:
        stopped = Stopped()
        app = stopped.app(make_app())
        add(app, stack)
        async with serving(app) as server, anyio.create_task_group() as group:
            group.start_soon(server.get, "/", name="request")
            while len(stopped.looked) < 2:
                await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            chains = {
                name: self.chain(one, anyio_backend_name) for name, one in stopped.looked.items()
            }
            stopped.gate.set()
        for name, function in (("endpoint", "order"), ("task", "send_mail")):
            names = chains[name]
            assert [
                one for one in names if one in (function, "stand_still", "Stopped.stand_still")
            ] == [
                function,
                "Stopped.stand_still",
            ]
        assert "run_endpoint_function" in chains["endpoint"]

    def chain(self, info: anyio.TaskInfo, backend: str) -> list[str]:
        if backend == "trio":
            import trio

            (task,) = [
                one
                for one in all_trio_tasks(trio.lowlevel.current_root_task())
                if id(one) == info.id
            ]
            frames = [frame.f_code.co_qualname for frame, _ in task.iter_await_frames()]
            assert frames
            return [name.rpartition("<locals>.")[2] for name in frames]
        (task,) = [one for one in asyncio.all_tasks() if id(one) == info.id]
        return awaited(task.get_coro())


def all_trio_tasks(task: Any) -> Iterator[Any]:
    yield task
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from all_trio_tasks(child)


class TestStepsStandForTheirCoroutine:
    async def test_to_whoever_asks_for_its_name_or_its_frame(self) -> None:
        async def send_mail() -> None:
            await anyio.sleep_forever()

        coroutine = send_mail()
        steps = Steps(coroutine, None, Stepping())
        assert steps.__qualname__ == coroutine.__qualname__
        assert (steps.cr_code, steps.cr_frame) == (coroutine.cr_code, coroutine.cr_frame)
        assert steps.cr_await is None
        with pytest.raises(AttributeError):
            steps.no_such_thing  # noqa: B018
        coroutine.close()

    @pytest.mark.parametrize("form", ["instance", "class and instance", "with traceback"])
    async def test_to_whoever_throws(self, form: str) -> None:
        """Coroutines, generators and tracers still call `throw` in the old ways too."""
        caught: list[BaseException] = []

        async def send_mail() -> None:
            try:
                await Suspends()
            except LookupError as error:
                caught.append(error)
                await Suspends()

        coroutine = send_mail()
        first = coroutine.send(None)
        steps = Steps(coroutine, first, Stepping())
        assert next(steps) is first
        error = LookupError("lost")
        try:
            raise KeyError
        except KeyError as other:
            traceback = other.__traceback__
        if form == "instance":
            steps.throw(error)
        elif form == "class and instance":
            steps.throw(LookupError, error)
        else:
            steps.throw(LookupError, error, traceback)
        assert caught == [error]
        if form == "with traceback":
            last = error.__traceback__
            while last is not None and last.tb_next is not None:
                last = last.tb_next
            assert last is traceback
        steps.close()
        assert coroutine.cr_frame is None

    async def test_returns_and_raises_as_it_does(self) -> None:
        async def fails() -> None:
            await anyio.lowlevel.checkpoint()
            raise LookupError("lost")

        async def at_once() -> None:
            pass

        owner = Stepping()
        assert owner.first_step(at_once()) is None
        rest = owner.first_step(anyio.sleep(0.1))
        assert rest is not None
        await rest
        rest = owner.first_step(fails())
        assert rest is not None
        with pytest.raises(LookupError, match="lost"):
            await rest


class Suspends:
    def __await__(self) -> Iterator[str]:
        yield "suspended"


class Stepping(Owner):
    def __init__(self) -> None:
        self.keeper = keeper_of(Recorder(busy_threshold=0, clock=now))
        self.dropped = False
        self.held: list[tuple[int, int]] = []

    def held_loop(self, begun: int, ended: int) -> None:
        self.held.append((begun, ended))


MS = 1_000_000


class TestAStepThatHoldsTheLoop:
    """It is counted once: for its culprit, and for each that waited meanwhile."""

    @pytest.mark.parametrize("stack", STACKS)
    @pytest.mark.parametrize("when", ["first", "later", "both"])
    async def test_whatever_middlewares_it_runs_behind(
        self, make_app: MakeApp, recorder: Recorder, stack: str, when: str
    ) -> None:
        app = make_app()
        add(app, stack)

        @app.get("/slow")
        async def slow() -> None:
            if when != "later":
                block(0.3)
            await anyio.sleep(0.1)
            if when != "first":
                block(0.2)

        @app.get("/victim")
        async def victim() -> None:
            await anyio.sleep(2)

        async with serving(app) as server, anyio.create_task_group() as group:
            group.start_soon(server.get, "/victim")
            await anyio.sleep(0.5)
            group.start_soon(server.get, "/slow")
        waited, culprit = recorder.timelines
        begun = culprit.request_start
        first = (begun, begun + 300 * MS)
        later = begun + (400 if when == "both" else 100) * MS
        steps = {"first": [first], "later": [(later, later + 200 * MS)]}
        steps["both"] = [first, steps["later"][0]]
        assert [(b.start, b.end) for b in culprit.busy] == steps[when]
        assert {b.culprit for b in culprit.busy} == {"GET /slow #2"}
        assert {b.task for b in culprit.busy} == {None}
        assert [(b.start, b.end) for b in waited.busy] == steps[when]

    @pytest.mark.parametrize("stack", STACKS)
    async def test_also_of_a_body(self, make_app: MakeApp, recorder: Recorder, stack: str) -> None:
        app = make_app()
        add(app, stack)

        @app.get("/")
        async def endpoint() -> StreamingResponse:
            async def body() -> Any:
                yield b"x"
                await anyio.sleep(0.1)
                block(0.3)
                yield b"y"

            return StreamingResponse(body())

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert [(b.start, b.end) for b in timeline.busy] == [(100 * MS, 400 * MS)]

    async def test_of_a_task_and_of_its_error_handler(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def fails() -> None:
            block(0.03)
            await anyio.sleep(0.1)
            block(0.04)
            raise ValueError

        async def report(task: Any, error: Exception) -> None:
            block(0.05)
            await anyio.sleep(0.1)
            block(0.06)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(on_error=report).schedule(fails)
            await anyio.lowlevel.checkpoint()

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert [((b.end - b.start) // MS, b.culprit, b.task) for b in timeline.busy] == [
            (30, "fails", 0),
            (40, "fails", 0),
            (50, "fails", 0),
            (60, "fails", 0),
        ]

    async def test_up_to_the_threshold_is_none(self, make_app: MakeApp) -> None:
        recorder = Recorder(clock=now, wall=now, busy_threshold=0.1)
        app = FastAPI()
        add_tasks(app, recorder=recorder)

        @app.get("/")
        async def endpoint() -> None:
            for seconds in (0.1, 0.101):
                block(seconds)
                await anyio.sleep(0.1)

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert [(b.end - b.start) // MS for b in timeline.busy] == [101]

    async def test_that_ends_in_an_error_is_one_too(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def fails() -> None:
            block(0.3)
            raise ValueError

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(fails)
            await anyio.sleep(0.1)
            block(0.2)
            raise ValueError

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert [((b.end - b.start) // MS, b.task) for b in timeline.busy] == [(300, 0), (200, None)]


class TestADroppedCoroutine:
    async def test_never_goes_on_wherever_it_stands(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app(tasks={"grace_period": 1, "shutdown_timeout": 1})
        went_on: list[str] = []

        async def stubborn() -> None:
            with anyio.CancelScope(shield=True):
                while True:
                    try:
                        await anyio.sleep(3600)
                    except BaseException as error:
                        went_on.append(type(error).__name__)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(stubborn)

        async with serving(app) as server:
            await server.get("/")
        before = list(went_on)
        for _ in range(3):
            await anyio.sleep(3600)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            gc.collect()
        assert went_on == before
        assert recorder.last is not None
        assert [t.outcome for t in recorder.last.tasks] == ["abandoned"]


async def test_an_app_that_returns_something_else_to_await_is_awaited(
    make_app: MakeApp, recorder: Recorder
) -> None:
    """A compiled app's coroutine, or a future, is none of Python's own coroutines."""

    class Awaitable:
        def __init__(self, coroutine: Any) -> None:
            self._coroutine = coroutine

        def __await__(self) -> Any:
            return self._coroutine.__await__()

    class Compiled:
        def __init__(self, app: Any) -> None:
            self.app = app

        def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
            return Awaitable(self.app(scope, receive, send))

    app = make_app()
    app.add_middleware(Compiled)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> str:
        tasks.after_response.schedule(anyio.sleep, 1)
        block(0.03)
        return "answer"

    async with serving(app) as server:
        timeline = await server.settle("/")
    assert (timeline.status, [t.outcome for t in timeline.tasks]) == (200, ["ok"])
    assert [(b.end - b.start) // MS for b in timeline.busy] == [30]


async def test_an_app_that_raises_before_there_is_anything_to_await_is_over(
    make_app: MakeApp, recorder: Recorder
) -> None:
    def app(scope: Any, receive: Any, send: Any) -> Any:
        raise LookupError("no such app")

    recorded = RecordingMiddleware(app, recorder)
    answer = await Server(recorded).get("/")
    assert isinstance(answer.error, LookupError)
    assert recorder.open == []
    assert [(t.aborted, t.status) for t in recorder.timelines] == [(True, None)]


def test_the_helper_that_walks_finds_what_is_there() -> None:
    async def inner() -> None:
        await Suspends()

    async def outer() -> None:
        await inner()

    coroutine = outer()
    coroutine.send(None)
    assert awaited(coroutine)[:2] == ["outer", "inner"]
    coroutine.close()
