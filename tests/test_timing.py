"""The timing contract, line by line, on virtual time."""

import contextvars
import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest
from fastapi import Depends, FastAPI, HTTPException, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_tasks import Recorder, TaskRecord, Tasks, Timeline

from .asgi import serving
from .virtual import now

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


def ms(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e6


def times(task: TaskRecord) -> tuple[float | None, ...]:
    """Requested, released, started, finished: in milliseconds."""
    return ms(task.requested), ms(task.released), ms(task.started), ms(task.finished)


def marks(timeline: Timeline) -> tuple[float | None, ...]:
    """Endpoint end, response start, response sent: in milliseconds."""
    return ms(timeline.endpoint_end), ms(timeline.response_start), ms(timeline.response_sent)


def last(recorder: Recorder) -> Timeline:
    timeline = recorder.last
    assert timeline is not None
    return timeline


async def work(seconds: float = 0.1) -> None:
    await anyio.sleep(seconds)


async def slow_send(message: Message) -> None:
    await anyio.sleep(0.02)


class TestT1Immediate:
    async def test_runs_beside_the_endpoint_from_its_next_await(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(work)
            await anyio.sleep(0.03)

        async with serving(app) as server:
            await server.settle("/")
        assert times(last(recorder).tasks[0]) == (0, 0, 0, 100)
        assert marks(last(recorder)) == (30, 30, 30)

    async def test_is_released_before_but_starts_after_an_endpoint_that_never_awaits(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        order = []

        async def task() -> None:
            order.append("task")

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(task)
            (record,) = last(recorder).tasks
            assert record.released is not None
            order.append("endpoint returns")

        async def on_send(message: Message) -> None:
            order.append(message["type"])

        async with serving(app) as server:
            await server.settle("/", on_send=on_send)
        assert order == [
            "endpoint returns",
            "http.response.start",
            "http.response.body",
            "task",
        ]


class TestT2AfterRoute:
    async def test_is_released_after_function_scoped_dependencies_have_exited(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        committed = []

        async def session() -> AsyncIterator[None]:
            yield
            await anyio.sleep(0.05)
            committed.append(now())

        seen = []

        async def task() -> None:
            seen.append(list(committed))

        session_dependency = Annotated[None, Depends(session, scope="function")]

        @app.get("/before")
        async def before(db: session_dependency, tasks: Tasks) -> None:
            tasks.after_route.schedule(task)
            await anyio.sleep(0.01)

        @app.get("/after")
        async def after(tasks: Tasks, db: session_dependency) -> None:
            tasks.after_route.schedule(task)
            await anyio.sleep(0.01)

        async with serving(app) as server:
            await server.settle("/before", on_send=slow_send)
            await server.settle("/after", on_send=slow_send)
        first, second = recorder.timelines
        assert marks(first) == (10, 60, 100)
        assert times(first.tasks[0]) == (0, 60, 60, 60)
        assert marks(second) == (110, 160, 200)
        assert times(second.tasks[0]) == (100, 160, 160, 160)
        assert seen == [[60_000_000], [60_000_000, 160_000_000]]

    async def test_is_not_delayed_by_a_slow_outer_middleware(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        class Slow:
            def __init__(self, app: ASGIApp) -> None:
                self.app = app

            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                async def late(message: Message) -> None:
                    await anyio.sleep(0.2)
                    await send(message)

                await self.app(scope, receive, late if scope["type"] == "http" else send)

        app.add_middleware(Slow)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_route.schedule(work)

        async with serving(app) as server:
            await server.settle("/")
        assert times(last(recorder).tasks[0]) == (0, 0, 0, 100)
        assert marks(last(recorder)) == (0, 200, 400)

    async def test_passes_before_the_body_of_a_generator_endpoint(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> StreamingResponse:
            async def body() -> AsyncIterator[bytes]:
                for _ in range(2):
                    await anyio.sleep(0.1)
                    yield b"x"

            tasks.after_route.schedule(work, 0.05)
            return StreamingResponse(body())

        async with serving(app) as server:
            await server.settle("/")
        assert times(last(recorder).tasks[0]) == (0, 0, 0, 50)
        assert marks(last(recorder)) == (0, 0, 200)


class TestT3AfterResponse:
    async def test_is_released_when_the_servers_last_send_returned(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(work)

        async with serving(app) as server:
            await server.settle("/", on_send=slow_send)
        assert marks(last(recorder)) == (0, 0, 40)
        assert times(last(recorder).tasks[0]) == (0, 40, 40, 140)

    async def test_waits_for_a_buffering_middleware(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        class Buffering:
            def __init__(self, app: ASGIApp) -> None:
                self.app = app

            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                messages: list[Message] = []

                async def keep(message: Message) -> None:
                    messages.append(message)

                if scope["type"] != "http":
                    await self.app(scope, receive, send)
                    return
                await self.app(scope, receive, keep)
                await anyio.sleep(0.3)
                for message in messages:
                    await send(message)

        app.add_middleware(Buffering)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(work)

        async with serving(app) as server:
            await server.settle("/")
        assert marks(last(recorder)) == (0, 300, 300)
        assert times(last(recorder).tasks[0]) == (0, 300, 300, 400)

    @pytest.mark.parametrize(
        ("messages", "index_of_last"),
        [
            (
                [
                    {"type": "http.response.start", "status": 200, "headers": []},
                    {"type": "http.response.body", "body": b"a", "more_body": True},
                    {"type": "http.response.body", "body": b"b"},
                ],
                2,
            ),
            (
                [
                    {"type": "http.response.start", "status": 200, "trailers": True},
                    {"type": "http.response.body", "body": b"a"},
                    {"type": "http.response.trailers", "headers": [], "more_trailers": True},
                    {"type": "http.response.trailers", "headers": []},
                ],
                3,
            ),
            (
                [
                    {"type": "http.response.start", "status": 200, "headers": []},
                    {"type": "http.response.pathsend", "path": "/file"},
                ],
                1,
            ),
            (
                [
                    {"type": "http.response.start", "status": 200, "headers": []},
                    {"type": "http.response.zerocopysend", "file": 3, "more_body": True},
                    {"type": "http.response.zerocopysend", "file": 3},
                ],
                2,
            ),
        ],
        ids=["body", "trailers", "pathsend", "zerocopysend"],
    )
    async def test_knows_the_last_message(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        messages: list[Message],
        index_of_last: int,
    ) -> None:
        app = make_app()

        class Raw(JSONResponse):
            async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
                for message in messages:
                    await send(message)
                await anyio.sleep(1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> Raw:
            tasks.after_response.schedule(work)
            return Raw({})

        async with serving(app) as server:
            await server.settle("/", on_send=slow_send)
        sent = 20.0 * (index_of_last + 1)
        assert marks(last(recorder)) == (0, 0, sent)
        assert times(last(recorder).tasks[0]) == (0, sent, sent, sent + 100)


class TestT4NothingBlocks:
    @pytest.mark.parametrize("mode", ["immediate", "after_route", "after_response"])
    @pytest.mark.parametrize("count", [0, 1, 10, 100])
    async def test_the_response_takes_no_longer_with_tasks(
        self, make_app: MakeApp, recorder: Recorder, mode: str, count: int
    ) -> None:
        app = make_app(tasks={"grace_period": 3600, "shutdown_timeout": 3600})

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            scheduler = tasks if mode == "immediate" else getattr(tasks, mode)
            for _ in range(count):
                scheduler.schedule(work, 1800)
            await anyio.sleep(0.01)

        async with serving(app) as server:
            await server.get("/")
            assert now() == 10_000_000
            await recorder.settled()
        assert marks(last(recorder)) == (10, 10, 10)
        assert [task.outcome for task in last(recorder).tasks] == ["ok"] * count


class TestT5Order:
    async def test_releases_in_order_within_and_across_modes(
        self, make_app: MakeApp, recorder: Recorder, anyio_backend_name: str
    ) -> None:
        app = make_app()
        started = []

        async def note(name: str) -> None:
            started.append(name)
            await anyio.sleep(0.1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for number in (1, 2):
                tasks.after_response.schedule(note, f"response {number}")
                tasks.after_route.schedule(note, f"route {number}")
                tasks.schedule(note, f"immediate {number}")

        released: list[str] = []
        async with serving(app) as server:
            recorder.subscribe(
                lambda event: (
                    released.append(f"{event.task.mode} {len(released) % 2 + 1}")
                    if event.kind == "released" and event.task
                    else None
                )
            )
            await server.settle("/")
        assert released == [
            "immediate 1",
            "immediate 2",
            "after_route 1",
            "after_route 2",
            "after_response 1",
            "after_response 2",
        ]
        # They run together: six tasks of 100 ms each take 100 ms.
        assert now() == 100_000_000
        if anyio_backend_name == "asyncio":
            assert started == [
                *("immediate 1", "immediate 2", "route 1", "route 2", "response 1", "response 2")
            ]


class TestT6LateScheduling:
    async def test_releases_at_once_from_a_body_an_exit_and_a_task_that_outlived_its_request(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def outliving(tasks: Any) -> None:
            await anyio.sleep(0.5)
            tasks.schedule(work)
            tasks.after_route.schedule(work)
            tasks.after_response.schedule(work)

        async def dependency(tasks: Tasks) -> AsyncIterator[None]:
            yield
            tasks.after_route.task(name="exit route").schedule(work)
            tasks.after_response.task(name="exit response").schedule(work)

        @app.get("/", dependencies=[Depends(dependency)])
        async def endpoint(tasks: Tasks) -> StreamingResponse:
            async def body() -> AsyncIterator[bytes]:
                await anyio.sleep(0.1)
                yield b"x"
                tasks.after_route.task(name="body route").schedule(work)
                await anyio.sleep(0.1)
                tasks.after_response.task(name="body response").schedule(work)

            tasks.schedule(outliving, tasks)
            return StreamingResponse(body())

        async with serving(app) as server:
            await server.settle("/")
        assert [(t.name, *times(t)) for t in last(recorder).tasks] == [
            ("outliving", 0, 0, 0, 500),
            ("body route", 100, 100, 100, 200),
            ("body response", 200, 200, 200, 300),
            ("exit route", 200, 200, 200, 300),
            ("exit response", 200, 200, 200, 300),
            ("work", 500, 500, 500, 600),
            ("work", 500, 500, 500, 600),
            ("work", 500, 500, 500, 600),
        ]
        assert [t.parent for t in last(recorder).tasks] == [None] * 5 + [0] * 3


class TestT7EndpointFailed:
    @pytest.mark.parametrize(
        ("error", "status"), [(ValueError("x"), 500), (HTTPException(404), 404)]
    )
    async def test_discards_what_was_not_released_and_says_so_once(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        caplog: pytest.LogCaptureFixture,
        error: Exception,
        status: int,
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(work)
            tasks.after_route.task(name="audit").schedule(work)
            tasks.after_response.task(name="mail").schedule(work)
            await anyio.sleep(0.03)
            raise error

        async with serving(app) as server:
            answer = await server.get("/")
            await recorder.settled()
        timeline = last(recorder)
        assert answer.status == status
        assert timeline.error == type(error).__name__
        assert [(t.name, t.outcome, *times(t)) for t in timeline.tasks] == [
            ("work", "ok", 0, 0, 0, 100),
            ("audit", "discarded", 0, None, None, 30),
            ("mail", "discarded", 0, None, None, 30),
        ]
        assert [r.getMessage() for r in caplog.records if r.name == "fastapi_tasks"] == [
            f"GET / #1 failed with {type(error).__name__}, so its tasks are discarded: "
            "audit (after_route), mail (after_response)"
        ]

    async def test_a_returned_error_status_is_a_success(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> JSONResponse:
            tasks.after_route.schedule(work)
            tasks.after_response.schedule(work)
            return JSONResponse({}, status_code=503)

        async with serving(app) as server:
            await server.settle("/")
        assert last(recorder).error is None
        assert [task.outcome for task in last(recorder).tasks] == ["ok", "ok"]

    @pytest.mark.parametrize("error", [ValueError("x"), HTTPException(409), anyio.EndOfStream()])
    @pytest.mark.parametrize("place", ["before", "after"])
    @pytest.mark.parametrize("middleware", [False, True])
    async def test_a_failing_commit_is_a_failure(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        error: Exception,
        place: str,
        middleware: bool,
    ) -> None:
        app = make_app()

        async def commit() -> AsyncIterator[None]:
            yield
            raise error

        db = Annotated[None, Depends(commit, scope="function")]

        @app.get("/before")
        async def before(db: db, tasks: Tasks) -> None:
            tasks.after_route.schedule(work)

        @app.get("/after")
        async def after(tasks: Tasks, db: db) -> None:
            tasks.after_route.schedule(work)

        if middleware:

            @app.middleware("http")
            async def passing(request: Any, call_next: Any) -> Any:
                return await call_next(request)

        async with serving(app) as server:
            await server.settle(f"/{place}")
        assert last(recorder).error == type(error).__name__
        assert [task.outcome for task in last(recorder).tasks] == ["discarded"]

    async def test_exit_code_may_schedule_about_the_failure(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def reporting(tasks: Tasks) -> AsyncIterator[None]:
            try:
                yield
            except ValueError:
                tasks.after_response.task(name="report").schedule(work)
                raise

        @app.get("/", dependencies=[Depends(reporting)])
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.task(name="mail").schedule(work)
            raise ValueError

        async with serving(app) as server:
            await server.settle("/")
        assert [(t.name, t.outcome) for t in last(recorder).tasks] == [
            ("mail", "discarded"),
            ("report", "ok"),
        ]


class Endless:
    """A body without end, and not a generator that somebody would have to close."""

    def __aiter__(self) -> "Endless":
        return self

    async def __anext__(self) -> bytes:
        await anyio.sleep(0.1)
        return b"x"


class TestT8ResponseAborted:
    async def test_tasks_run_when_send_fails(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.after_response.schedule(work)

        async def gone(message: Message) -> None:
            if message["type"] == "http.response.body":
                raise OSError("connection lost")

        async with serving(app) as server:
            await server.settle("/", on_send=gone)
        assert last(recorder).aborted
        assert last(recorder).error is None
        assert marks(last(recorder)) == (0, 0, None)
        assert times(last(recorder).tasks[0]) == (0, 0, 0, 100)

    async def test_tasks_run_when_the_body_raises(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> StreamingResponse:
            async def body() -> AsyncIterator[bytes]:
                yield b"x"
                await anyio.sleep(0.1)
                raise ValueError

            tasks.after_route.schedule(work)
            tasks.after_response.schedule(work)
            return StreamingResponse(body())

        async with serving(app) as server:
            await server.settle("/")
        assert last(recorder).aborted
        assert [(t.outcome, *times(t)) for t in last(recorder).tasks] == [
            ("ok", 0, 0, 0, 100),
            ("ok", 0, 100, 100, 200),
        ]

    async def test_tasks_run_when_the_client_disconnects_while_it_streams(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> StreamingResponse:
            tasks.after_response.schedule(work)
            return StreamingResponse(Endless())

        sent = 0

        async def gone(message: Message) -> None:
            nonlocal sent
            sent += 1
            if sent == 3:
                raise OSError("client disconnected")

        async with serving(app) as server:
            await server.settle("/", on_send=gone)
        assert last(recorder).aborted
        assert times(last(recorder).tasks[0]) == (0, 200, 200, 300)


class TestT9WebSocket:
    async def test_after_route_when_the_endpoint_returns_after_response_when_closed(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def session() -> AsyncIterator[None]:
            yield
            await anyio.sleep(0.2)

        @app.websocket("/")
        async def endpoint(
            socket: WebSocket,
            tasks: Tasks,
            db: Annotated[None, Depends(session, scope="function")],
        ) -> None:
            await socket.accept()
            tasks.schedule(work)
            tasks.after_route.schedule(work)
            tasks.after_response.schedule(work)
            await anyio.sleep(0.05)
            await socket.close()
            await anyio.sleep(0.05)

        async with serving(app) as server:
            await server.websocket("/", [], on_send=slow_send)
            await recorder.settled()
        timeline = last(recorder)
        assert (timeline.kind, timeline.method, timeline.status) == ("websocket", "WS", None)
        assert marks(timeline) == (140, 0, 90)
        assert [(t.mode, *times(t)) for t in timeline.tasks] == [
            ("immediate", 20, 20, 20, 120),
            ("after_route", 20, 340, 340, 440),
            ("after_response", 20, 340, 340, 440),
        ]

    async def test_a_client_that_leaves_closes_it_too(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.websocket("/")
        async def endpoint(socket: WebSocket, tasks: Tasks) -> None:
            await socket.accept()
            tasks.after_response.schedule(work)
            message = await socket.receive()
            assert message["type"] == "websocket.disconnect"
            await anyio.sleep(0.3)

        async with serving(app) as server:
            await server.websocket("/", [])
            await recorder.settled()
        assert marks(last(recorder)) == (300, 0, 0)
        assert not last(recorder).aborted
        assert times(last(recorder).tasks[0]) == (0, 300, 300, 400)


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
