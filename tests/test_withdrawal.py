"""S1a: cancelled means that it did not run; a function that ran to its end is ok."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Event, Recorder, Tasks, Timeline, add_tasks
from fastapi_tasks.loops.threads import Call

from .asgi import serving

MakeApp = Callable[..., FastAPI]

# Threads live in real time, and so do the loops that wait for them here.
REAL_LOOPS = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
PATIENCE = 30


def ends(timeline: Timeline | None) -> list[tuple[str | None, bool]]:
    """The outcome of each task, and whether it has started."""
    assert timeline is not None
    return [(task.outcome, task.started is not None) for task in timeline.tasks]


def hold_until(ready: Callable[[], bool]) -> None:
    """Hold the event loop until a thread has got so far."""
    until = time.monotonic() + PATIENCE
    while not ready() and time.monotonic() < until:
        time.sleep(0.001)


class Once(logging.Handler):
    """Does something when a line of the log begins with these words."""

    def __init__(self, words: str, do: Callable[[], object]) -> None:
        super().__init__()
        self._words = words
        self._do = do

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith(self._words):
            self._do()


@pytest.fixture
def when_logged() -> Any:
    logger = logging.getLogger("fastapi_tasks")
    handlers: list[Once] = []

    def listen(words: str, do: Callable[[], object]) -> None:
        handlers.append(Once(words, do))
        logger.addHandler(handlers[-1])

    yield listen
    for handler in handlers:
        logger.removeHandler(handler)


class Shop:
    """An app with a database that is closed after its tasks, and a ledger of what ran."""

    def __init__(self, **options: Any) -> None:
        self.database = "closed"
        self.gate = threading.Event()
        self.begun: list[str] = []
        self.ended: list[tuple[str, str]] = []
        self.app = FastAPI(lifespan=self._lifespan)
        self.recorder = add_tasks(self.app, recorder=Recorder(), **options)

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        self.database = "open"
        yield
        self.database = "closed"

    def purge(self, cart: str = "every cart") -> None:
        self.begun.append(cart)
        assert self.gate.wait(PATIENCE)
        self.ended.append((cart, self.database))

    def backlog(self, number: int, **settings: Any) -> None:
        """Let `GET /` schedule so many calls of `purge`."""

        @self.app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for index in range(number):
                tasks.task(**settings).schedule(self.purge, f"cart-{index}")

    async def until(self, ready: Callable[[], bool]) -> None:
        with anyio.fail_after(PATIENCE):
            while not ready():
                await anyio.sleep(0.002)


@pytest.mark.anyio
@REAL_LOOPS
class TestABacklogAtTheEndOfTheGracePeriod:
    async def test_is_withdrawn_but_for_what_has_started(
        self, when_logged: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        shop = Shop(grace_period=0.02, shutdown_timeout=PATIENCE, threads=2)
        shop.backlog(6)
        when_logged("shutdown: in a thread", shop.gate.set)
        async with serving(shop.app) as server:
            await server.get("/")
            await shop.until(lambda: len(shop.begun) == 2)
        assert sorted(shop.begun) == ["cart-0", "cart-1"]
        assert sorted(shop.ended) == [("cart-0", "open"), ("cart-1", "open")]
        assert ends(shop.recorder.last) == [("ok", True)] * 2 + [("cancelled", False)] * 4

        def names(numbers: range) -> str:
            return ", ".join(["Shop.purge (immediate, GET / #1)"] * len(numbers))

        assert [record.getMessage() for record in caplog.records] == [
            f"shutdown: waiting up to 0.02 s, for shielded tasks up to 30 s: {names(range(6))}",
            f"shutdown: cancelled after the grace period of 0.02 s: {names(range(4))}",
            "shutdown: in a thread, where nothing can cancel them, so they are waited for up to "
            f"30 s in all: {names(range(2))}",
        ]

    async def test_nothing_of_it_runs_when_its_threads_come_free_after_the_end(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        shop = Shop(grace_period=0.02, shutdown_timeout=0.04, threads=1)
        shop.backlog(3, shield=True)
        async with serving(shop.app) as server:
            await server.get("/")
            await shop.until(lambda: bool(shop.begun))
        shop.gate.set()
        await shop.until(lambda: bool(shop.ended))
        # The thread looks for more work as soon as it has returned.
        await anyio.sleep(0.02)
        assert shop.begun == ["cart-0"]
        assert ends(shop.recorder.last) == [
            ("abandoned", True),
            ("abandoned", False),
            ("abandoned", False),
        ]
        assert shop.recorder.last is not None
        assert [task.finished for task in shop.recorder.last.tasks] == [None] * 3
        assert caplog.records[-1].getMessage() == (
            "shutdown: abandoned after 0.04 s of shutdown, still running: "
            + ", ".join(["Shop.purge (immediate, GET / #1)"] * 3)
        )

    async def test_each_of_many_runs_with_its_arguments_or_not_at_all(self) -> None:
        shop = Shop(grace_period=0.01, shutdown_timeout=PATIENCE, threads=4)
        shop.gate.set()

        def work(number: int, cart: str = "every cart") -> None:
            time.sleep(0.001)
            shop.begun.append(f"{number} of {cart}")
            shop.ended.append((f"{number} of {cart}", shop.database))

        @shop.app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for number in range(100):
                tasks.task(name=f"{number}").schedule(work, number, cart=f"cart-{number}")

        async with serving(shop.app) as server:
            await server.get("/")
        assert shop.recorder.last is not None
        ran = {t.name for t in shop.recorder.last.tasks if t.outcome == "ok"}
        withdrawn = [t for t in shop.recorder.last.tasks if t.outcome != "ok"]
        assert {(t.outcome, t.started) for t in withdrawn} <= {("cancelled", None)}
        assert sorted(shop.ended) == sorted((f"{n} of cart-{n}", "open") for n in ran)

    async def test_so_is_a_def_error_handler_that_waits_for_a_thread(
        self, when_logged: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        shop = Shop(grace_period=0.02, shutdown_timeout=PATIENCE, threads=1)
        reported: list[str] = []

        async def fails() -> None:
            raise ValueError

        @shop.app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(shop.purge, "cart-0")
            tasks.task(on_error=lambda task, _: reported.append(task.name)).schedule(fails)

        when_logged("shutdown: in a thread", shop.gate.set)
        async with serving(shop.app) as server:
            await server.get("/")
            await shop.until(lambda: bool(shop.begun))
        assert reported == []
        assert ends(shop.recorder.last) == [("ok", True), ("error", True)]
        assert "failed itself" not in caplog.text


@pytest.mark.anyio
@REAL_LOOPS
class TestAFunctionThatRanToItsEndIsOk:
    async def test_though_its_task_was_to_be_cancelled_meanwhile(self, when_logged: Any) -> None:
        shop = Shop(grace_period=0.02, shutdown_timeout=PATIENCE, threads=1)
        shop.backlog(1)
        when_logged("shutdown: in a thread", shop.gate.set)
        async with serving(shop.app) as server:
            await server.get("/")
            await shop.until(lambda: bool(shop.begun))
        assert shop.ended == [("cart-0", "open")]
        assert ends(shop.recorder.last) == [("ok", True)]

    async def test_though_it_takes_its_cancellation_for_no_reason_to_fail(self) -> None:
        shop = Shop(grace_period=0.02, shutdown_timeout=PATIENCE)

        async def finishes_what_it_does() -> None:
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                shop.ended.append(("all of it", shop.database))

        @shop.app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(finishes_what_it_does)

        async with serving(shop.app) as server:
            await server.get("/")
        assert shop.ended == [("all of it", "open")]
        assert ends(shop.recorder.last) == [("ok", True)]

    async def test_though_it_returned_in_the_moment_when_all_was_abandoned(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        shop = Shop(grace_period=0.02, shutdown_timeout=0.04, threads=1)

        @shop.app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.task(shield=True).schedule(anyio.sleep_forever)
            tasks.task(shield=True).schedule(shop.purge, "cart-0")

        def when_the_first_is_abandoned(event: Event) -> None:
            # The loop stands still here, and cannot learn that the thread is done.
            if event.kind == "finished" and event.task and event.task.outcome == "abandoned":
                shop.gate.set()
                hold_until(lambda: event.timeline.tasks[1].finished is not None)

        shop.recorder.subscribe(when_the_first_is_abandoned)
        async with serving(shop.app) as server:
            await server.get("/")
            await shop.until(lambda: bool(shop.begun))
        assert ends(shop.recorder.last) == [("abandoned", True), ("ok", True)]
        assert caplog.records[-1].getMessage() == (
            "shutdown: abandoned after 0.04 s of shutdown, still running: "
            "sleep_forever (immediate, GET / #1)"
        )


class TestACallIsTakenOrWithdrawn:
    def test_whichever_comes_first(self) -> None:
        calls: list[str] = []
        taken, withdrawn = Call(lambda: calls.append("taken")), Call(lambda: calls.append("not"))
        assert (taken.take(), taken.withdraw()) == (True, False)
        assert (withdrawn.withdraw(), withdrawn.take(), withdrawn.withdraw()) == (True, False, True)
        taken.run()
        assert (taken.outcome(), calls) == (None, ["taken"])
        assert (taken.withdraw(), taken.function) == (False, None)

    def test_never_both_however_close(self) -> None:
        start = threading.Barrier(2)
        took: list[bool] = []
        calls = [Call(lambda: None) for _ in range(300)]

        def take_all() -> None:
            for call in calls:
                start.wait(PATIENCE)
                took.append(call.take())

        taker = threading.Thread(target=take_all)
        taker.start()
        withdrew = []
        for call in calls:
            start.wait(PATIENCE)
            withdrew.append(call.withdraw())
        taker.join(PATIENCE)
        assert [took != withdrew for took, withdrew in zip(took, withdrew, strict=True)] == (
            [True] * len(calls)
        )

    def test_what_its_taking_sets_off_is_over_before_a_withdrawal_fails(self) -> None:
        order: list[str] = []
        taking = threading.Event()

        def on_take() -> None:
            taking.set()
            time.sleep(0.05)
            order.append("taken")

        call = Call(lambda: None, on_take)
        thread = threading.Thread(target=call.take)
        thread.start()
        assert taking.wait(PATIENCE)
        assert not call.withdraw()
        order.append("not withdrawn")
        thread.join(PATIENCE)
        assert order == ["taken", "not withdrawn"]


def start_no_more(patch: pytest.MonkeyPatch) -> None:
    from trio._core._thread_cache import THREAD_CACHE

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    patch.setattr(THREAD_CACHE, "_idle_workers", {})
    patch.setattr(threading.Thread, "start", start)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
class TestAThreadThatCannotBeStarted:
    """Not in pytest's own loops: those of trio need threads themselves."""

    def test_fails_the_task_and_no_later_one(
        self, backend: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        shop = Shop()
        shop.gate.set()
        shop.backlog(1)

        async def main() -> None:
            async with serving(shop.app) as server:
                with monkeypatch.context() as patch:
                    start_no_more(patch)
                    first = await server.settle("/")
                assert (shop.begun, ends(first)) == ([], [("error", False)])
                assert (first.tasks[0].error, first.tasks[0].ran) == ("RuntimeError", None)
                assert ends(await server.settle("/")) == [("ok", True)]

        anyio.run(main, backend=backend)
        assert shop.ended == [("cart-0", "open")]
        (line,) = caplog.records
        assert line.getMessage() == "task Shop.purge (immediate, GET / #1) failed"
        assert (
            "RuntimeError: no worker thread could be started (can't start new thread), so the "
            "function was not called: let the process have more threads, or give add_tasks() a "
            "smaller `threads`"
        ) in caplog.text

    def test_leaves_its_call_to_one_that_is_there(
        self, backend: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop = Shop(threads=2)
        shop.backlog(2)

        @shop.app.get("/first")
        async def first(tasks: Tasks) -> None:
            tasks.schedule(shop.purge, "first")

        async def main() -> None:
            async with serving(shop.app) as server:
                await server.get("/first")
                await shop.until(lambda: shop.begun == ["first"])
                with monkeypatch.context() as patch:
                    start_no_more(patch)
                    await server.get("/")
                    await anyio.sleep(0.02)
                    assert shop.begun == ["first"]
                    shop.gate.set()
                    await shop.recorder.settled()

        anyio.run(main, backend=backend)
        assert sorted(shop.begun) == ["cart-0", "cart-1", "first"]
        assert [end for one in shop.recorder.timelines for end in ends(one)] == [("ok", True)] * 3


@pytest.mark.anyio
@REAL_LOOPS
class TestStampsOfThreads:
    async def test_are_taken_where_things_happen_though_the_loop_stands_still(self) -> None:
        shop = Shop(threads=1)
        own: list[int] = []
        seen: list[tuple[bool, bool]] = []
        clock = shop.recorder.clock

        def work() -> None:
            own.append(clock())
            shop.gate.wait(PATIENCE)
            own.append(clock())

        async def hold_the_loop() -> None:
            await shop.until(lambda: bool(own))
            assert shop.recorder.last is not None
            record = shop.recorder.last.tasks[0]
            started = record.started is not None
            shop.gate.set()
            hold_until(lambda: record.finished is not None)
            seen.append((started, record.finished is not None))
            own.append(clock())

        @shop.app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(work)
            tasks.schedule(hold_the_loop)

        async with serving(shop.app) as server:
            timeline = await server.settle("/")
        assert seen == [(True, True)]
        record = timeline.tasks[0]
        assert record.started is not None
        assert record.finished is not None
        first, last, loop_went_on = own
        assert record.started <= first <= last <= record.finished <= loop_went_on

    async def test_a_release_from_a_thread_is_one_of_schedule_itself(self) -> None:
        shop = Shop()
        clock = shop.recorder.clock
        own: list[int] = []

        @shop.app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            def from_a_thread() -> None:
                own.append(clock())
                tasks.schedule(anyio.sleep, 0)
                tasks.after_route.schedule(anyio.sleep, 0)
                own.append(clock())

            thread = threading.Thread(target=from_a_thread)
            thread.start()
            thread.join()  # and so the loop stands still
            own.append(clock())

        async with serving(shop.app) as server:
            timeline = await server.settle("/")
        immediate, after_route = timeline.tasks
        before, after, loop_went_on = own
        assert immediate.released is not None
        assert immediate.started is not None
        assert after_route.released is not None
        assert before <= immediate.requested <= immediate.released <= after
        assert before <= after_route.requested <= after
        assert loop_went_on <= after_route.released
        assert loop_went_on <= immediate.started

    async def test_what_a_thread_schedules_too_late_was_never_released(self) -> None:
        shop = Shop(grace_period=0.02, shutdown_timeout=PATIENCE)

        def schedule_late(tasks: Any) -> None:
            assert shop.gate.wait(PATIENCE)
            tasks.task(name="late").schedule(anyio.sleep, 0)

        def when_tasks_are_cancelled(event: Event) -> None:
            if event.task and event.task.outcome == "cancelled":
                shop.gate.set()

        shop.recorder.subscribe(when_tasks_are_cancelled)

        @shop.app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(anyio.sleep_forever)
            tasks.task(shield=True).schedule(schedule_late, tasks)

        async with serving(shop.app) as server:
            await server.get("/")
        assert shop.recorder.last is not None
        late = shop.recorder.last.task("late")
        assert (late.outcome, late.released, late.started) == ("cancelled", None, None)

    async def test_what_a_thread_returned_is_awaited_within_the_tasks_time(self) -> None:
        shop = Shop()
        own: list[int] = []

        async def rest() -> None:
            await anyio.sleep(0.01)
            own.append(shop.recorder.clock())

        @shop.app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            tasks.schedule(lambda: rest())

        async with serving(shop.app) as server:
            timeline = await server.settle("/")
        (record,) = timeline.tasks
        assert (record.outcome, record.thread) == ("ok", True)
        assert record.finished is not None
        assert own[0] <= record.finished
