from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from tempfile import SpooledTemporaryFile
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync as imported_before
from fastapi import BackgroundTasks, Depends, FastAPI, UploadFile
from fastapi.responses import FileResponse, StreamingResponse
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.testclient import TestClient

from fastapi_tasks import Recorder, Timeline, record
from fastapi_tasks.watch import hook, threads
from fastapi_tasks.watch.here import begin, here, leaf

from .watching import assert_in_time, tree, watched

number: contextvars.ContextVar[int] = contextvars.ContextVar("number", default=0)


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param).new_event_loop


def run(loop: Any, function: Any) -> Any:
    async def main() -> Any:
        threads.install()
        return await function()

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(main())


def add(a: int, b: int = 0) -> int:
    opened = leaf("GET", "redis")
    assert opened is not None
    opened.end()
    assert threading.current_thread() is not threading.main_thread()
    return a + b


def fail() -> None:
    raise KeyError("secret")


def test_every_way_to_a_thread_is_a_span_that_holds_what_runs_in_it(loop: Any) -> None:
    async def use() -> None:
        with watched(task=5) as timeline, ThreadPoolExecutor(1) as executor:
            running = asyncio.get_running_loop()
            assert await asyncio.to_thread(add, 1, b=2) == 3
            assert await running.run_in_executor(None, add, 1, 2) == 3
            assert await running.run_in_executor(executor, functools.partial(add, 1, b=2)) == 3
            context = contextvars.copy_context()
            assert await running.run_in_executor(executor, context.run, add, 1, 2) == 3
            assert executor.submit(add, 1, b=2).result() == 3
            assert list(executor.map(add, [1, 2], [3, 4])) == [4, 6]
            assert await anyio.to_thread.run_sync(add, 1, 2) == 3
            assert await imported_before(add, 1, 2) == 3
            assert await run_in_threadpool(add, 1, b=2) == 3
            assert [i async for i in iterate_in_threadpool(map(add, [1]))] == [1]

        lines = tree(timeline, without="pool")
        # The last ends the iteration.
        assert lines == ["thread add", "  redis GET"] * 10 + [
            "thread _next",
            "  redis GET",
            "thread _next",
        ]
        assert {span.task for span in timeline.spans} == {5}
        assert_in_time(timeline)

    run(loop, use)


@pytest.mark.anyio
async def test_work_for_threads_on_trio_and_asyncio(anyio_backend: Any) -> None:
    threads.install()
    with watched() as timeline:
        outer = begin("charge", "telemetry")
        assert await anyio.to_thread.run_sync(add, 1, 2) == 3
        assert await run_in_threadpool(add, 1, b=2) == 3
        assert outer is not None
        outer.end()

    assert tree(timeline, without="pool") == [
        "telemetry charge",
        "  thread add",
        "    redis GET",
        "  thread add",
        "    redis GET",
    ]


def test_work_gathered_is_one_span_each_below_what_gathers(loop: Any) -> None:
    async def use() -> None:
        with watched() as timeline:
            opened = begin("both", "telemetry")
            assert opened is not None
            both = asyncio.gather(asyncio.to_thread(add, 1), anyio.to_thread.run_sync(add, 2))
            assert await both == [1, 2]
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.to_thread.run_sync, add, 3)
            opened.end()

        lines = tree(timeline, without="pool")
        assert lines == ["telemetry both", *(["  thread add", "    redis GET"] * 3)]
        assert len({span.id for span in timeline.spans}) == len(timeline.spans)

    run(loop, use)


def test_the_wait_for_a_thread_is_a_span_before_the_functions_own(loop: Any) -> None:
    async def use() -> None:
        let_go = threading.Event()
        with watched() as timeline, ThreadPoolExecutor(1) as executor:
            executor.submit(let_go.wait, 10)
            second = asyncio.get_running_loop().run_in_executor(executor, add, 1)
            await asyncio.sleep(0.01)
            let_go.set()
            await second

        waits = [span for span in timeline.spans if span.kind == "pool"]
        assert [span.name for span in waits][-1:] == ["waits for a thread"]
        added = next(span for span in timeline.spans if span.name == "add")
        assert waits[-1].end is not None
        assert waits[-1].end <= added.start
        assert (waits[-1].lasted or 0) >= 5_000_000
        assert waits[-1].parent == added.parent

    run(loop, use)


def test_what_waited_less_than_a_millisecond_has_not_waited(loop: Any) -> None:
    async def use() -> None:
        # On this clock nothing lasts long.
        with watched(Recorder(clock=count().__next__)) as timeline, ThreadPoolExecutor(1) as pool:
            await asyncio.gather(*(asyncio.to_thread(add, 1) for _ in range(10)))
            await asyncio.gather(*(anyio.to_thread.run_sync(add, 1) for _ in range(10)))
            assert list(pool.map(add, range(10))) == list(range(10))

        assert {span.kind for span in timeline.spans} == {"thread", "redis"}

    run(loop, use)


def test_the_same_comes_back_and_contexts_are_as_before(loop: Any) -> None:
    async def use() -> None:
        seen: list[int] = []

        def look() -> int:
            seen.append(number.get())
            number.set(2)
            return threading.get_ident()

        number.set(1)
        with watched() as timeline, ThreadPoolExecutor(1) as executor:
            await asyncio.to_thread(look)
            await anyio.to_thread.run_sync(look)
            # Executors copy no context: what a call leaves behind in its thread stays.
            first = await asyncio.get_running_loop().run_in_executor(executor, look)
            second = executor.submit(look).result()
            assert first == second
            with pytest.raises(KeyError, match="secret"):
                await asyncio.to_thread(fail)
            with pytest.raises(KeyError, match="secret"):
                await imported_before(fail)
            with pytest.raises(KeyError, match="secret"):
                executor.submit(fail).result()
            # Outside of the request, the same thread is not in it any more.
            assert contextvars.Context().run(executor.submit, here.get).result() is None

        assert seen == [1, 1, 0, 2]
        assert number.get() == 1
        assert [span.error for span in timeline.spans if span.name == "fail"] == ["KeyError"] * 3

    run(loop, use)


def test_what_is_cancelled_before_a_thread_takes_it_is_no_span() -> None:
    threads.install()
    let_go = threading.Event()
    with watched() as timeline, ThreadPoolExecutor(1) as executor:
        executor.submit(let_go.wait, 10)
        never = executor.submit(add, 1)
        assert never.cancel()
        let_go.set()

    assert [span.name for span in timeline.spans if span.kind == "thread"] == ["Event.wait"]


def test_a_thread_that_outlives_its_request_ends_its_span() -> None:
    threads.install()
    let_go, begun = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        let_go.wait(10)

    with ThreadPoolExecutor(1) as executor:
        with watched() as timeline:
            executor.submit(work)
            assert begun.wait(10)
        timeline.request_end = time.perf_counter_ns()
        assert tree(timeline, without="pool") == ["thread work …"]
        let_go.set()

    assert tree(timeline, without="pool") == ["thread work"]


@pytest.mark.parametrize("debug", [False, True])
def test_what_the_loop_looks_up_for_a_connection_is_its_own_work(debug: bool) -> None:
    async def use() -> None:
        threads.install()
        asyncio.get_running_loop().set_debug(debug)
        with watched() as timeline:
            await asyncio.get_running_loop().getaddrinfo("localhost", 80)
            await anyio.getaddrinfo("localhost", 80)
        assert timeline.spans == []

    asyncio.run(use())


def test_outside_of_requests_work_passes_unrecorded(loop: Any) -> None:
    async def use() -> None:
        with watched() as timeline:
            pass
        assert await asyncio.to_thread(lambda: 1) == 1
        assert await anyio.to_thread.run_sync(lambda: 2) == 2
        assert timeline.spans == []

    run(loop, use)


def test_a_hook_that_fails_never_reaches_the_app(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, loop: Any
) -> None:
    def broken(*_: Any) -> str:
        raise RuntimeError("a fault of ours")

    async def use() -> None:
        with watched() as timeline:
            monkeypatch.setattr(threads, "display_name", broken)
            assert await asyncio.to_thread(lambda: 1) == 1
            assert await anyio.to_thread.run_sync(lambda: 2) == 2
            monkeypatch.setattr(threads, "_handed", broken)
            assert await asyncio.to_thread(lambda: 3) == 3
            monkeypatch.setattr(threads, "is_framework_at_work", broken)
            assert await anyio.to_thread.run_sync(lambda: 4) == 4
        assert [span for span in timeline.spans if span.kind == "thread"] == []

    monkeypatch.setattr(hook, "_failed", set())
    run(loop, use)
    assert len(caplog.records) == 3


# What FastAPI and Starlette do for themselves -------------------------------------------------


def a_sync_dependency() -> Iterator[int]:
    yield 1


def a_sync_background_task() -> None: ...


def make_app() -> FastAPI:
    app = FastAPI()

    class Outer(BaseHTTPMiddleware):
        async def dispatch(self, request: Any, call_next: Any) -> Any:
            return await call_next(request)

    class Pure:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.app(scope, receive, send)

    app.add_middleware(Outer)
    app.add_middleware(Pure)

    @app.get("/def")
    def plain(tasks: BackgroundTasks, one: int = Depends(a_sync_dependency)) -> int:
        tasks.add_task(a_sync_background_task)
        return one

    @app.get("/file")
    async def file() -> FileResponse:
        return FileResponse(__file__)

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter(["a", "b"]))

    @app.get("/upload")
    async def upload() -> int:
        with SpooledTemporaryFile(max_size=1) as on_disk:
            file = UploadFile(on_disk)
            await file.write(b"123")
            await file.seek(0)
            return len(await file.read())

    @app.get("/own")
    async def own(one: int = Depends(a_sync_dependency)) -> list[int]:
        return [
            await run_in_threadpool(add, one),
            await asyncio.to_thread(add, 2),
            await anyio.to_thread.run_sync(add, 3),
        ]

    @app.get("/own/def")
    def own_def() -> int:
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(add, 4).result()

    @app.get("/own/file")
    async def own_file() -> int:
        return len(await anyio.Path(__file__).read_text())

    return app


def in_threads(timeline: Timeline) -> list[str]:
    """Name what was sent to threads, in the order of its start."""
    spans = sorted(timeline.spans, key=lambda span: span.start)
    return [span.name for span in spans if span.kind == "thread"]


@pytest.mark.parametrize("path", ["/def", "/file", "/stream", "/upload", "/openapi.json"])
def test_what_the_framework_sends_to_threads_is_not_the_apps(path: str) -> None:
    app = make_app()
    recorder = record(app, watch=True)
    with TestClient(app) as client:
        answer = client.get(path)

    assert answer.status_code == 200
    assert recorder.last is not None
    assert in_threads(recorder.last) == []


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        ("/own", [1, 2, 3], ["add"] * 3),
        ("/own/def", 4, ["add"]),
        ("/own/file", None, ["Path.read_text"]),
    ],
)
def test_what_the_apps_code_sends_to_threads_is(path: str, body: Any, names: list[str]) -> None:
    app = make_app()
    recorder = record(app, watch=True)
    with TestClient(app) as client:
        answer = client.get(path)

    assert answer.status_code == 200
    assert body is None or answer.json() == body
    assert recorder.last is not None
    assert in_threads(recorder.last) == names
    spans = {span.id: span for span in recorder.last.spans}
    parents = {spans[span.parent].kind for span in spans.values() if span.kind == "thread"}
    assert parents == {"endpoint"}


def test_spans_from_many_threads_each_have_an_id_of_their_own() -> None:
    threads.install()
    with watched() as timeline, ThreadPoolExecutor(8) as executor:
        for _ in executor.map(add, range(400)):
            pass

    assert len({span.id for span in timeline.spans}) == len(timeline.spans)
