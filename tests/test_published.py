"""What goes wrong in fastapi-tasks 0.1, case by case, does not go wrong here."""

import asyncio
import contextvars
import logging
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from fastapi import Depends, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from starlette.types import Message

from fastapi_tasks import Recorder, Task, Tasks, Timeline, add_tasks
from fastapi_tasks.errors import FastAPITasksUninitializedAppError

from .asgi import Buffering, serving
from .servers import NORMAL_EXIT, running

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


async def work(seconds: float = 0.1) -> None:
    await anyio.sleep(seconds)


async def fails() -> None:
    raise ValueError


def last(recorder: Recorder) -> Timeline:
    assert recorder.last is not None
    return recorder.last


def outcomes(timeline: Timeline) -> list[tuple[str, str | None]]:
    return [(task.name, task.outcome) for task in timeline.tasks]


class Watched:
    """An app's own lifespan: is it still open?"""

    open = False

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        self.open = True
        yield
        self.open = False


class TestOnErrorRaises:
    async def test_other_tasks_the_lifespan_and_later_requests_live_on(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        watched = Watched()
        app = make_app(lifespan=watched.lifespan)

        async def report(task: Task[..., Any], exc: Exception) -> None:
            raise RuntimeError("no connection to the error tracker")

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(work)
            tasks.task(on_error=report).schedule(fails)

        async with serving(app) as server:
            for _ in range(2):
                assert (await server.get("/")).status == 200
                await recorder.settled()
                assert watched.open
        expected = [("work", "ok"), ("fails", "error")]
        assert [outcomes(timeline) for timeline in recorder.timelines] == [expected, expected]


class Unusual(BaseException):
    pass


class TestTaskRaisesABaseException:
    @pytest.mark.parametrize("kind", [asyncio.CancelledError, GeneratorExit, Unusual])
    async def test_other_tasks_the_lifespan_and_later_requests_live_on_and_the_log_tells(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        caplog: pytest.LogCaptureFixture,
        kind: type[BaseException],
    ) -> None:
        watched = Watched()
        app = make_app(lifespan=watched.lifespan)

        async def raises() -> None:
            raise kind

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(work)
            tasks.schedule(raises)

        async with serving(app) as server:
            for _ in range(2):
                assert (await server.get("/")).status == 200
                await recorder.settled()
                assert watched.open
        expected = [("work", "ok"), ("raises", "error")]
        assert [outcomes(timeline) for timeline in recorder.timelines] == [expected, expected]
        assert [record.getMessage() for record in caplog.records] == [
            f"task raises (immediate, GET / #{number}) failed after 0.0 ms" for number in (1, 2)
        ]


class TestSystemExitInATask:
    def test_the_process_goes_on(self) -> None:
        with running("uvicorn", "responses:app") as server:
            for _ in range(2):
                assert server.client.get("/exit").status_code == 200
            for timeline in server.timelines("/exit"):
                assert [(task.outcome, task.error) for task in timeline.tasks] == [
                    ("error", "SystemExit"),
                    ("error", "SystemExit"),
                ]


class TestEndpointRaisesAfterScheduling:
    async def test_its_tasks_are_discarded_and_the_log_names_them(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_route.task(name="audit").schedule(work)
            tasks.after_response.task(name="mail").schedule(work)
            raise ValueError

        async with serving(app) as server:
            assert (await server.get("/")).status == 500
            await recorder.settled()
        assert outcomes(last(recorder)) == [("audit", "discarded"), ("mail", "discarded")]
        assert [record.getMessage() for record in caplog.records] == [
            "GET / #1 failed with ValueError, so its tasks are discarded: "
            "audit (after_route), mail (after_response)"
        ]


class TestGeneratorSchedulesAfterRouteInItsBody:
    @pytest.mark.parametrize("kind", ["SSE", "JSONL", "streaming"])
    async def test_it_runs(self, make_app: MakeApp, recorder: Recorder, kind: str) -> None:
        app = make_app()

        async def numbers(tasks: Tasks) -> AsyncIterable[int]:
            await anyio.sleep(0.1)
            yield 1
            tasks.after_route.schedule(work, 0.05)
            await anyio.sleep(0.1)
            yield 2

        if kind == "SSE":
            sse = pytest.importorskip("fastapi.sse", reason="this FastAPI has no SSE endpoints")
            app.get("/", response_class=sse.EventSourceResponse)(numbers)
        elif kind == "JSONL":
            pytest.importorskip("fastapi.sse", reason="this FastAPI has no JSONL endpoints")
            app.get("/")(numbers)
        else:

            @app.get("/")
            async def endpoint(tasks: Tasks) -> StreamingResponse:
                return StreamingResponse(str(number) async for number in numbers(tasks))

        async with serving(app) as server:
            assert (await server.get("/")).status == 200
            await recorder.settled()
        (task,) = last(recorder).tasks
        assert (task.outcome, task.requested, task.released, task.finished) == (
            *("ok", 100_000_000, 100_000_000, 150_000_000),
        )


class TestResponseBreaksOff:
    @pytest.mark.parametrize("where", ["body generator raises", "send fails"])
    async def test_after_response_tasks_run(
        self, make_app: MakeApp, recorder: Recorder, where: str
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> StreamingResponse:
            async def body() -> AsyncIterator[bytes]:
                yield b"x"
                if where == "body generator raises":
                    raise ValueError

            tasks.after_response.schedule(work)
            return StreamingResponse(body())

        async def on_send(message: Message) -> None:
            if where == "send fails" and not message.get("more_body", True):
                raise OSError("connection lost")

        async with serving(app) as server:
            assert (await server.get("/", on_send=on_send)).body == b"x"
            await recorder.settled()
        assert last(recorder).aborted
        assert outcomes(last(recorder)) == [("work", "ok")]


class TestBufferingOuterMiddleware:
    async def test_after_response_starts_when_the_response_is_sent(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        app.add_middleware(Buffering, seconds=0.3)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(work)

        async with serving(app) as server:
            await server.settle("/")
        (task,) = last(recorder).tasks
        assert last(recorder).response_sent == task.started == 300_000_000


class TestSixtySlowDefTasks:
    async def test_a_def_endpoint_answers_meanwhile(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        gate = threading.Event()

        @app.get("/slow")
        async def slow(tasks: Tasks) -> None:
            for _ in range(60):
                tasks.schedule(gate.wait, 60)

        @app.get("/quick")
        def quick() -> str:
            return "answer"

        async with serving(app) as server:
            await server.get("/slow")
            # Were there one limit for both, this would wait for tasks that wait for it.
            assert (await server.get("/quick")).body == b'"answer"'
            gate.set()
            await recorder.settled()
        assert [task.outcome for task in recorder.timelines[0].tasks] == ["ok"] * 60


class TestSigterm:
    def test_tasks_end_with_the_database_open_and_nothing_is_dropped_or_endless(self) -> None:
        with running("uvicorn", "shutdown:mixed") as server:
            server.client.post("/work")
            server.terminate()
            # An endless shielded task does not hang the process.
            assert server.exit_code() == NORMAL_EXIT["uvicorn"]
        said = server.said[server.said.index("shutdown begins") + 1 :]
        # Unshielded tasks do not die at once, none of the queued ones is dropped, and the error
        # handler of the shielded one is not cancelled.
        in_grace = ["mail", "report of fails", *(f"queued {number}" for number in range(60))]
        assert sorted(said[:62]) == sorted(f"{name} ended, database open" for name in in_grace)
        assert said[62:] == [
            "unshielded ended, database open",
            "shielded ended, database open",
            "database closed",
        ]
        assert "abandoned after 1.3 s of shutdown, still running: sleep_forever" in server.output


class TestWebSocketEndpoint:
    async def test_gets_tasks_of_all_modes(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()

        @app.websocket("/")
        async def endpoint(socket: WebSocket, tasks: Tasks) -> None:
            await socket.accept()
            for scheduler in (tasks, tasks.after_route, tasks.after_response):
                scheduler.schedule(work)
            await socket.close()

        async with serving(app) as server:
            answer = await server.websocket("/", [])
            await recorder.settled()
        assert answer.error is None
        assert outcomes(last(recorder)) == [("work", "ok")] * 3


class TestRequestScopedYieldDependency:
    async def test_may_ask_for_tasks(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()

        async def session(tasks: Tasks) -> AsyncIterator[None]:
            tasks.after_response.task(name="entered").schedule(work)
            yield
            tasks.after_response.task(name="exited").schedule(work)

        @app.get("/", dependencies=[Depends(session, scope="request")])
        async def endpoint() -> None: ...

        async with serving(app) as server:
            assert (await server.get("/")).status == 200
            await recorder.settled()
        assert outcomes(last(recorder)) == [("entered", "ok"), ("exited", "ok")]


class TestCallableThatOnlyMakesSomething:
    async def test_what_a_lambda_or_def_returns_is_awaited_and_a_generator_function_is_refused(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        ran = []

        async def send(to: str) -> None:
            ran.append(to)

        def make(to: str) -> Any:
            return send(to)

        def generator() -> Iterator[int]:
            yield 1

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(lambda: send("lambda"))
            tasks.schedule(make, "def")
            with pytest.raises(TypeError, match="Pass a function that iterates over it"):
                tasks.schedule(generator)

        async with serving(app) as server:
            await server.settle("/")
        assert sorted(ran) == ["def", "lambda"]


class TestScheduleFromAPlainThread:
    async def test_the_tasks_run(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            def schedule() -> None:
                for scheduler in (tasks, tasks.after_route, tasks.after_response):
                    scheduler.schedule(work)

            thread = threading.Thread(target=schedule)
            thread.start()
            thread.join()

        async with serving(app) as server:
            assert (await server.get("/")).status == 200
            await recorder.settled()
        assert outcomes(last(recorder)) == [("work", "ok")] * 3


class TestTrio:
    @pytest.mark.parametrize("mode", ["immediate", "after_route", "after_response"])
    async def test_start_order_is_never_reversed(
        self, make_app: MakeApp, recorder: Recorder, mode: str
    ) -> None:
        app = make_app()
        started = []

        async def note(number: int) -> None:
            started.append(number)
            await anyio.sleep(0.1)

        @app.get("/{request}")
        async def endpoint(request: int, tasks: Tasks) -> None:
            scheduler = tasks if mode == "immediate" else getattr(tasks, mode)
            for number in range(3):
                scheduler.schedule(note, 3 * request + number)

        async with serving(app) as server:
            for request in range(20):
                await server.settle(f"/{request}")
        assert started == list(range(60))


class TestContextVariableInADefEndpoint:
    async def test_is_seen_by_its_after_response_task(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        user = contextvars.ContextVar("user", default="nobody")
        seen = []

        async def look() -> None:
            seen.append(user.get())

        @app.get("/")
        def endpoint(tasks: Tasks) -> None:
            user.set("ada")
            tasks.after_response.schedule(look)

        async with serving(app) as server:
            await server.settle("/")
        assert seen == ["ada"]


class TestFailingTask:
    async def test_the_log_does_not_hold_its_arguments(
        self, make_app: MakeApp, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make_app()

        async def log_in(name: str, password: str) -> None:
            raise ConnectionError("no such host")

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(log_in, "ada", password="hunter2")

        async with serving(app) as server:
            await server.settle("/")
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert "log_in (after_response, GET / #1) failed" in caplog.text
        assert "ConnectionError: no such host" in caplog.text
        assert "hunter2" not in caplog.text


class TestOnlyAMountedAppCalledAddTasks:
    async def test_the_error_says_which_app_has_to(self) -> None:
        app, mounted = FastAPI(), FastAPI()
        add_tasks(mounted)
        app.mount("/shop", mounted)

        @mounted.get("/")
        async def endpoint(tasks: Tasks) -> None: ...

        async with serving(app) as server:
            answer = await server.get("/shop/")
        assert isinstance(answer.error, FastAPITasksUninitializedAppError)
        assert str(answer.error) == (
            "GET /shop/ #1 asks for Tasks, but its app's lifespan is not running, so its tasks "
            "would have nobody to end them: no lifespan of a mounted app runs by itself. Call "
            "add_tasks() on the app that it is mounted in, if that is a FastAPI app too; or enter "
            "this app's lifespan in that one's: `async with app.router.lifespan_context(app)`"
        )

    async def test_and_then_it_works(self) -> None:
        app, mounted = FastAPI(), FastAPI()
        recorder = add_tasks(app)
        app.mount("/shop", mounted)

        @mounted.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(work, 0)

        async with serving(app) as server:
            assert (await server.get("/shop/")).status == 200
            await recorder.settled()
        assert outcomes(last(recorder)) == [("work", "ok")]
