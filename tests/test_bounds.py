"""S3: memory is bounded, however long a request lives, and what was let go is counted."""

import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import BackgroundTasks, FastAPI, WebSocket

from fastapi_tasks import Busy, Recorder, TaskRecord, Tasks, add_tasks, from_json, keeper, to_json
from fastapi_tasks.bounds import thin
from fastapi_tasks.job import Job

from .asgi import serving
from .virtual import block, now

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


async def note() -> None: ...


def bounded(**limits: int) -> Recorder:
    return Recorder(clock=now, wall=now, **limits)


class TestTheTasksOfARequest:
    @pytest.fixture
    def recorder(self) -> Recorder:
        return bounded(max_tasks=16)

    async def test_are_its_last_ones_and_the_others_are_counted(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        most: list[int] = []

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for number in range(1000):
                tasks.task(name=f"{number}").schedule(note)
                await anyio.lowlevel.checkpoint()
                await anyio.lowlevel.checkpoint()
                assert recorder.last is not None
                most.append(len(recorder.last.tasks))

        async with serving(app) as server:
            timeline = await server.settle("/")
        # An eighth more, so that letting go costs little.
        assert max(most) == 18
        kept = len(timeline.tasks)
        assert kept + timeline.tasks_dropped == 1000
        assert [task.id for task in timeline.tasks] == list(range(1000 - kept, 1000))
        assert [task.name for task in timeline.tasks] == [f"{task.id}" for task in timeline.tasks]
        assert timeline.settled
        assert from_json(to_json(timeline)) == [timeline]

    async def test_that_have_not_ended_are_all_kept(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for number in range(50):
                tasks.task(name=f"open {number}").schedule(anyio.sleep, 10)
                tasks.schedule(note)
                await anyio.lowlevel.checkpoint()
                await anyio.lowlevel.checkpoint()

        async with serving(app) as server:
            await server.get("/")
            assert recorder.last is not None
            names = [t.name for t in recorder.last.tasks if t.name != "note"]
            assert names == [f"open {number}" for number in range(50)]
            assert len(recorder.last.tasks) + recorder.last.tasks_dropped == 100
            assert recorder.last.tasks_dropped > 0
            await recorder.settled()
            # Once they have ended they make room like all others.
            assert {t.outcome for t in recorder.last.tasks} == {"ok"}
            assert len(recorder.last.tasks) <= 18
            assert len(recorder.last.tasks) + recorder.last.tasks_dropped == 100

    @pytest.mark.parametrize("how", ["background", "spawned", "discarded"])
    async def test_of_other_kinds_make_room_too(
        self, how: str, recorder: Recorder, anyio_backend_name: str
    ) -> None:
        if how == "spawned" and anyio_backend_name == "trio":
            pytest.skip("nothing is recorded of what is started on trio")
        app = FastAPI()
        add_tasks(app, recorder=recorder, watch=True)

        @app.get("/")
        async def endpoint(tasks: Tasks, background: BackgroundTasks) -> None:
            async with anyio.create_task_group() as group:
                for _ in range(100):
                    if how == "background":
                        background.add_task(note)
                    elif how == "spawned":
                        group.start_soon(note)
                    else:
                        tasks.after_response.schedule(note)
            if how == "discarded":
                raise ConnectionError

        async with serving(app) as server:
            timeline = await server.settle("/")
        ends = "discarded" if how == "discarded" else "ok"
        assert {one.outcome for one in timeline.tasks} == {ends}
        assert len(timeline.tasks) <= 18
        assert len(timeline.tasks) + timeline.tasks_dropped == 100

    async def test_are_looked_through_a_few_times_however_many_are_open(
        self, make_app: MakeApp, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app, looked_at = make_app(), 0

        def counting(tasks: list[TaskRecord], most: int) -> int:
            nonlocal looked_at
            looked_at += len(tasks)
            return thin(tasks, most)

        monkeypatch.setattr(keeper, "thin", counting)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for _ in range(5000):
                tasks.after_response.schedule(note)

        async with serving(app) as server:
            await server.settle("/")
        assert looked_at < 20 * 5000

    async def test_are_kept_all_where_there_is_room(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for _ in range(18):
                tasks.schedule(note)

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert (len(timeline.tasks), timeline.tasks_dropped) == (18, 0)
        assert "dropped" not in to_json(timeline)

    async def test_keep_the_ids_of_those_that_scheduled_them(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        async def again(tasks: Any, number: int) -> None:
            if number:
                tasks.schedule(again, tasks, number - 1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(again, tasks, 200)

        async with serving(app) as server:
            timeline = await server.settle("/")
        assert len(timeline.tasks) + timeline.tasks_dropped == 201
        assert [t.parent for t in timeline.tasks] == [t.id - 1 for t in timeline.tasks]
        assert timeline.tasks[-1].id == 200


class TestWhatHeldTheLoop:
    @pytest.fixture
    def recorder(self) -> Recorder:
        return bounded(max_busy=16)

    async def test_is_the_last_of_it_and_the_others_are_counted(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint() -> None:
            for _ in range(100):
                block(0.03)
                await anyio.lowlevel.checkpoint()

        async with serving(app) as server:
            timeline = await server.settle("/")
        kept = len(timeline.busy)
        assert 16 <= kept <= 18
        assert kept + timeline.busy_dropped == 100
        assert timeline.busy[-1].end == 3_000_000_000
        assert [one.end - one.start for one in timeline.busy] == [30_000_000] * kept
        assert from_json(to_json(timeline)) == [timeline]

    async def test_is_one_record_for_all_that_waited(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        over = anyio.Event()

        @app.websocket("/idle")
        async def idle(socket: WebSocket) -> None:
            await socket.accept()
            await over.wait()

        @app.get("/slow")
        async def slow() -> None:
            for _ in range(10):
                block(0.03)
                await anyio.lowlevel.checkpoint()
            over.set()

        async with serving(app) as server, anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(server.websocket, "/idle", [])
            await anyio.wait_all_tasks_blocked()
            await server.get("/slow")
        *waited, culprit = recorder.timelines
        assert [len(one.busy) for one in waited] == [10] * 50
        assert len({id(busy) for one in waited for busy in one.busy}) == 10
        assert {busy.culprit for one in waited for busy in one.busy} == {culprit.title}
        assert len(culprit.busy) == 10


@pytest.mark.parametrize("name", ["maxlen", "max_tasks", "max_spans", "max_busy"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "many", None])
async def test_a_bound_is_a_whole_number_from_1(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name} is {value!r}, but a recorder keeps at least"):
        Recorder(**{name: value})


async def test_one_may_keep_but_one(make_app: MakeApp) -> None:
    recorder = bounded(maxlen=1, max_tasks=1, max_spans=1, max_busy=1)
    assert recorder.maxlen == 1


@pytest.fixture
def by_hand() -> Any:
    """No garbage collector: what is not freed by itself stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


variable: ContextVar[Any] = ContextVar("variable", default=None)


class Heavy:
    pass


class TestWithRecordingOff:
    @pytest.fixture
    def recorder(self) -> Recorder:
        return Recorder(clock=now, wall=now, enabled=False)

    async def test_a_finished_task_leaves_nothing(
        self, make_app: MakeApp, recorder: Recorder, by_hand: None
    ) -> None:
        app = make_app()
        gate = threading.Event()

        async def fails() -> None:
            raise ValueError

        @app.websocket("/")
        async def endpoint(socket: WebSocket, tasks: Tasks) -> None:
            await socket.accept()
            for _ in range(20):
                for func in (note, lambda: None):
                    tasks.schedule(func)
                    tasks.after_route.schedule(func)
                    await anyio.lowlevel.checkpoint()
            gate.set()

        before = counted()
        async with serving(app) as server:
            await server.websocket("/", [])
            await recorder.settled()
            # The thread lets go a moment after it has said that it is done.
            until = time.monotonic() + 5
            while counted() != before and time.monotonic() < until:
                await anyio.lowlevel.checkpoint()
            assert counted() == before
        assert gate.is_set()
        assert (recorder.timelines, recorder.last, recorder.dropped) == ([], None, 0)

    async def test_nothing_is_told(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()
        heard: list[Any] = []
        recorder.subscribe(heard.append)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(note)
            block(0.03)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
        assert heard == []

    async def test_a_request_that_began_so_stays_unrecorded(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            recorder.enabled = True
            tasks.schedule(note)
            block(0.03)

        async with serving(app) as server:
            await server.get("/")
            await recorder.settled()
            assert recorder.timelines == []
            assert (await server.settle("/")).id == 1


def counted() -> dict[str, int]:
    """How many of our objects are alive."""
    kinds = (Job, TaskRecord, Busy)
    alive = [type(one).__name__ for one in gc.get_objects() if type(one) in kinds]
    return {name: alive.count(name) for name in sorted(set(alive))}


class TestWhatATaskHeld:
    @pytest.mark.parametrize("kind", ["async", "def", "fails", "def fails"])
    async def test_is_free_when_it_has_ended_without_a_garbage_collector(
        self,
        make_app: MakeApp,
        recorder: Recorder,
        by_hand: None,
        quiet: None,
        kind: str,
    ) -> None:
        app = make_app()
        alive: list[tuple[str, weakref.ref[Heavy]]] = []

        async def uses(heavy: Any = None) -> None:
            if "fails" in kind:
                raise ValueError

        def uses_def(heavy: Any = None) -> None:
            if "fails" in kind:
                raise ValueError

        func: Any = uses_def if "def" in kind else uses

        def schedule(scheduler: Any, how: str, heavy: Heavy) -> None:
            if how == "argument":
                scheduler.schedule(func, heavy)
            elif how == "keyword":
                scheduler.schedule(func, heavy=heavy)
            elif how == "partial":
                scheduler.schedule(partial(func, heavy))
            elif how == "method":
                scheduler.schedule(func.__get__(heavy))
            else:
                token = variable.set(heavy)
                scheduler.schedule(func)
                variable.reset(token)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for scheduler in (tasks, tasks.after_route, tasks.after_response):
                for how in ("argument", "keyword", "partial", "method", "context"):
                    heavy = Heavy()
                    alive.append((how, weakref.ref(heavy)))
                    schedule(scheduler, how, heavy)

        async with serving(app) as server:
            await server.settle("/")
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            if "def" in kind:
                # The thread lets go a moment after it has said that it is done.
                until = time.monotonic() + 5
                while any(ref() is not None for _, ref in alive) and time.monotonic() < until:
                    await anyio.lowlevel.checkpoint()
            assert [how for how, ref in alive if ref() is not None] == []
        assert len(alive) == 15


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest keeps the log records of a test, and with their tracebacks the tasks' frames.
    monkeypatch.setattr(logging.getLogger("fastapi_tasks"), "disabled", True)
