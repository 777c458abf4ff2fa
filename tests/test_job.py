"""The states of a job: only the ways that its table lists, one end, and nothing left behind."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastapi_tasks import Event, Mode, Recorder, TaskConfig
from fastapi_tasks.host import Host
from fastapi_tasks.job import Job
from fastapi_tasks.limits import Limits
from fastapi_tasks.phases import Phases
from fastapi_tasks.recorder import keeper_of
from fastapi_tasks.request import Request
from fastapi_tasks.states import TRANSITIONS, State
from fastapi_tasks.task import DEFAULTS

BACKENDS = ["asyncio", "trio"]
PATIENCE = 30
SCOPE = {"type": "http", "method": "GET", "path": "/"}

HELD, RELEASED, QUEUED = State.HELD, State.RELEASED, State.QUEUED
RUNNING, STOPPING, ENDED = State.RUNNING, State.STOPPING, State.ENDED


class Watched:
    """Stands in for the slot that holds a job's state, and notes every assignment."""

    def __init__(self, slot: Any) -> None:
        self._slot = slot
        self.states: dict[int, list[State]] = {}

    def __get__(self, job: Job | None, kind: type[Job]) -> Any:
        return self if job is None else self._slot.__get__(job, kind)

    def __set__(self, job: Job, state: State) -> None:
        self.states.setdefault(id(job), []).append(state)
        self._slot.__set__(job, state)

    def of(self, job: Job) -> list[State]:
        return self.states[id(job)]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    # pytest keeps the log records of a test, and with their tracebacks the tasks' frames.
    logging.getLogger("fastapi_tasks").disabled = True
    yield
    logging.getLogger("fastapi_tasks").disabled = False


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    watched = Watched(vars(Job)["state"])
    monkeypatch.setattr(Job, "state", watched)
    return watched


class Argument:
    """What a function is called with; it notes when."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.gate = threading.Event()


async def quick(argument: Argument) -> None:
    argument.begun.set()


async def sleeps(argument: Argument) -> None:
    argument.begun.set()
    await anyio.sleep_forever()


async def fails(argument: Argument) -> None:
    argument.begun.set()
    raise ValueError


async def finishes_when_cancelled(argument: Argument) -> None:
    argument.begun.set()
    with suppress(anyio.get_cancelled_exc_class()):
        await anyio.sleep_forever()


async def fails_when_cancelled(argument: Argument) -> None:
    argument.begun.set()
    try:
        await anyio.sleep_forever()
    finally:
        raise ValueError


async def refuses(argument: Argument) -> None:
    argument.begun.set()
    with anyio.CancelScope(shield=True):
        while True:
            with suppress(BaseException):
                await anyio.sleep(3600)


def in_thread(argument: Argument) -> None:
    argument.begun.set()
    argument.gate.wait(PATIENCE)


def fails_in_thread(argument: Argument) -> None:
    in_thread(argument)
    raise ValueError


def then_awaits(argument: Argument) -> Any:
    in_thread(argument)
    return sleeps(argument)


FUNCTIONS: dict[str, Callable[[Argument], Any]] = {
    function.__name__: function
    for function in (
        *(quick, sleeps, fails, finishes_when_cancelled, fails_when_cancelled, refuses),
        *(in_thread, fails_in_thread, then_awaits),
    )
}


class Way:
    """One job, and what happens to it."""

    def __init__(self, phases: Phases, function: str, mode: Mode, *, busy: bool) -> None:
        self.argument, self.occupying = Argument(), Argument()
        self.phases = phases
        # It takes the only thread.
        self.other = self._schedule(in_thread, "immediate", self.occupying) if busy else None
        self.job = self._schedule(FUNCTIONS[function], mode, self.argument)

    def _schedule(self, function: Callable[..., Any], mode: Mode, argument: Argument) -> Job:
        phases = self.phases
        phases.schedule(function, (argument,), {}, TaskConfig(), mode)
        job: Job = next(reversed(phases.runtime.live))
        return job

    async def turn(self) -> None:
        """Let the loop and the threads go as far as they can."""
        for _ in range(4):
            await anyio.lowlevel.checkpoint()
        other = self.other
        if other is not None and not self.occupying.gate.is_set():
            await _until(lambda: self.occupying.begun.is_set() or other.record.outcome is not None)
        elif self.job.record.thread and self.job.record.released and not self._ended():
            await _until(lambda: self.argument.begun.is_set() or self._ended())
        for _ in range(4):
            await anyio.lowlevel.checkpoint()

    async def open(self) -> None:
        """Let the functions that are in threads return."""
        await self.turn()
        self.occupying.gate.set()
        self.argument.gate.set()
        if self.argument.begun.is_set() and self.job.record.thread:
            await _until(lambda: self.job.call is None or self._ended())
        await self.turn()

    def _ended(self) -> bool:
        return self.job.record.outcome is not None

    async def route(self) -> None:
        self.phases.route_passes()

    async def response(self) -> None:
        self.phases.response_passes()

    async def fail(self) -> None:
        self.phases.endpoint_fails(ValueError())

    async def cancel(self) -> None:
        for job in list(self.phases.runtime.live):
            job.cancel()

    async def abandon(self) -> None:
        for job in list(self.phases.runtime.live):
            job.abandon()


async def _until(ready: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE):
        while not ready():
            await anyio.sleep(0.0005)


@asynccontextmanager
async def a_request(recorder: Recorder) -> AsyncIterator[Phases]:
    """A request whose tasks have one thread, in a runtime of its own."""

    async def unused(*_: Any) -> Any: ...

    keeper = keeper_of(recorder)
    host = Host(keeper, DEFAULTS, Limits(threads=1))
    scope = dict(SCOPE)
    async with host.up():
        request = Request(keeper, host, scope, unused, unused)
        try:
            yield host.enter(request, {})
        finally:
            request.end(scope)


class Ended:
    """What is left of a way once its runtime has closed."""

    def __init__(self, way: Way, states: list[State], events: list[Event]) -> None:
        self.job = way.job
        self.begun = way.argument.begun.is_set()
        self.states = states
        self.outcome = way.job.record.outcome
        self.ends = [event for event in events if event.kind == "finished"]


def go(
    backend: str, watched: Watched, function: str, mode: Mode, steps: list[str], *, busy: bool
) -> Ended:
    recorder = Recorder()
    events: list[Event] = []
    ways: list[Way] = []

    async def main() -> None:
        async with a_request(recorder) as phases:
            way = Way(phases, function, mode, busy=busy)
            ways.append(way)
            recorder.subscribe(
                lambda event: events.append(event) if event.task is way.job.record else None
            )
            for step in steps:
                await getattr(way, step)()
        way.argument.gate.set()
        way.occupying.gate.set()
        assert way.job not in phases.runtime.live
        assert not recorder.open

    anyio.run(main, backend=backend)
    (way,) = ways
    return Ended(way, watched.of(way.job), events)


WAYS: list[tuple[str, Mode, bool, str, list[State], str]] = [
    # function, mode, the only thread is busy, what happens, the states, the outcome
    ("quick", "immediate", False, "turn", [RELEASED, RUNNING], "ok"),
    ("fails", "immediate", False, "turn", [RELEASED, RUNNING], "error"),
    ("quick", "after_route", False, "turn route turn", [RELEASED, RUNNING], "ok"),
    ("quick", "after_response", False, "route turn response turn", [RELEASED, RUNNING], "ok"),
    ("quick", "after_route", False, "turn fail turn", [], "discarded"),
    ("quick", "after_response", False, "turn cancel response turn", [], "cancelled"),
    ("quick", "after_response", False, "turn abandon response turn", [], "abandoned"),
    ("quick", "immediate", False, "cancel turn", [RELEASED], "cancelled"),
    ("quick", "immediate", False, "abandon turn", [RELEASED], "abandoned"),
    ("sleeps", "immediate", False, "turn cancel turn", [RELEASED, RUNNING, STOPPING], "cancelled"),
    ("sleeps", "immediate", False, "turn abandon turn", [RELEASED, RUNNING], "abandoned"),
    ("sleeps", "immediate", False, "turn cancel abandon turn", [RELEASED, RUNNING, STOPPING],
     "abandoned"),
    ("finishes_when_cancelled", "immediate", False, "turn cancel turn",
     [RELEASED, RUNNING, STOPPING], "ok"),
    ("fails_when_cancelled", "immediate", False, "turn cancel turn",
     [RELEASED, RUNNING, STOPPING], "error"),
    ("refuses", "immediate", False, "turn cancel turn abandon turn",
     [RELEASED, RUNNING, STOPPING], "abandoned"),
    ("in_thread", "immediate", False, "turn open", [RELEASED, QUEUED, RUNNING], "ok"),
    ("fails_in_thread", "immediate", False, "turn open", [RELEASED, QUEUED, RUNNING], "error"),
    ("in_thread", "immediate", False, "cancel turn", [RELEASED], "cancelled"),
    ("in_thread", "immediate", False, "turn cancel open", [RELEASED, QUEUED, RUNNING], "ok"),
    ("in_thread", "immediate", False, "turn abandon open", [RELEASED, QUEUED, RUNNING],
     "abandoned"),
    ("in_thread", "immediate", True, "turn cancel open", [RELEASED, QUEUED], "cancelled"),
    ("in_thread", "immediate", True, "turn abandon open", [RELEASED, QUEUED], "abandoned"),
    ("in_thread", "immediate", True, "turn open", [RELEASED, QUEUED, RUNNING], "ok"),
    ("then_awaits", "immediate", False, "turn open cancel turn",
     [RELEASED, QUEUED, RUNNING, STOPPING], "cancelled"),
]  # fmt: skip


def check(end: Ended) -> None:
    """What holds of every way."""
    states = end.states
    for before, after in pairwise(states):
        assert after in TRANSITIONS[before], states
    assert (states[0], states[-1]) == (HELD, ENDED)
    assert len(end.ends) == 1
    job = end.job
    assert (job.args, job.kwargs, job.task) == ((), {}, None)
    if end.begun:
        # What has begun is cancelled only where it was told to stop, and never discarded.
        assert RUNNING in states
        assert end.outcome != "discarded"
        assert (end.outcome != "cancelled") or STOPPING in states
    else:
        assert end.outcome in ("cancelled", "discarded", "abandoned")
        assert RUNNING not in states


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("function", "mode", "busy", "steps", "states", "outcome"), WAYS)
def test_a_way(
    watched: Watched,
    backend: str,
    function: str,
    mode: Mode,
    busy: bool,
    steps: str,
    states: list[State],
    outcome: str,
) -> None:
    end = go(backend, watched, function, mode, steps.split(), busy=busy)
    assert (end.states, end.outcome) == ([HELD, *states, ENDED], outcome)
    check(end)


def test_these_are_all_the_ways_there_are() -> None:
    taken = {
        way for *_, states, _ in WAYS for way in zip([HELD, *states], [*states, ENDED], strict=True)
    }
    assert taken == {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


STEPS = ["turn", "open", "route", "response", "fail", "cancel", "abandon"]


@pytest.mark.parametrize("backend", BACKENDS)
@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    function=st.sampled_from(sorted(FUNCTIONS)),
    mode=st.sampled_from(["immediate", "after_route", "after_response"]),
    steps=st.lists(st.sampled_from(STEPS), max_size=6),
    busy=st.booleans(),
)
def test_whatever_happens_in_whatever_order(
    watched: Watched, backend: str, function: str, mode: Mode, steps: list[str], busy: bool
) -> None:
    watched.states.clear()
    check(go(backend, watched, function, mode, steps, busy=busy))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_thread_that_stops_on_its_way_to_running_does_not_bring_back_an_abandoned_job(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    looking = threading.Event()
    main = threading.get_ident()

    class Slow(Watched):
        def __get__(self, job: Job | None, kind: type[Job]) -> Any:
            state = super().__get__(job, kind)
            if threading.get_ident() != main and not looking.is_set():
                looking.set()
                time.sleep(0.05)
            return state

    slow = Slow(watched._slot)
    monkeypatch.setattr(Job, "state", slow)

    async def abandon(way: Way) -> None:
        await anyio.lowlevel.checkpoint()
        while not looking.is_set():
            await anyio.sleep(0.0005)
        await way.abandon()

    monkeypatch.setattr(Way, "meet", abandon, raising=False)
    end = go(backend, slow, "in_thread", "immediate", ["meet", "open"], busy=False)
    assert (end.states, end.outcome) == ([HELD, RELEASED, QUEUED, RUNNING, ENDED], "abandoned")
    assert len(end.ends) == 1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("function", "mode", "steps"),
    [
        ("quick", "immediate", "turn"),
        ("fails", "immediate", "turn"),
        ("quick", "after_route", "turn fail"),
        ("quick", "after_response", "turn cancel"),
        ("sleeps", "immediate", "turn cancel turn"),
        ("quick", "immediate", "cancel turn"),
        ("in_thread", "immediate", "turn open"),
        ("fails_in_thread", "immediate", "turn open"),
        ("in_thread", "immediate", "cancel turn"),
    ],
)
def test_an_ended_job_keeps_nothing_alive_without_the_garbage_collector(
    backend: str, function: str, mode: Mode, steps: str
) -> None:
    left: list[str] = []

    async def main() -> None:
        async with a_request(Recorder(enabled=False)) as phases:
            way = Way(phases, function, mode, busy=False)
            for step in steps.split():
                await getattr(way, step)()
            argument, job = weakref.ref(way.argument), way.job
            del way
            phases.response_passes()

            # A thread that has told of its end may have a frame or two to leave yet.
            for _ in range(1000):
                left[:] = ["argument"] * (argument() is not None)
                # The one who looks holds the job, and nobody else. Since 3.14 that is seen.
                left.extend(
                    type(one).__name__
                    for one in gc.get_referrers(job)
                    if getattr(one, "cr_code", None) is not main.__code__
                )
                if not left:
                    break
                await anyio.sleep(0.001)

    gc.collect()
    gc.disable()
    try:
        anyio.run(main, backend=backend)
    finally:
        gc.enable()
    assert left == []
