"""The source line that held the event loop, on real servers in real time."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product

import pytest

from fastapi_tasks import Busy, Timeline

from .holding import ASYNCIO_PLACES, PLACES, Case, Run, lines, run
from .servers import EVENT_LOOPS, Server, running


def cases(kind: str) -> Iterator[Case]:
    # Everywhere what is hardest to see: C code that keeps the interpreter lock.
    if kind == "uvicorn":
        yield from product(ASYNCIO_PLACES, ("sleep", "dump"))
        yield from product(("endpoint", "callback"), ("python", "order", "match", "derive"))
    else:
        yield from product(PLACES if "trio" in kind else ASYNCIO_PLACES, ("dump",))


@pytest.fixture(scope="module", params=EVENT_LOOPS)
def done(request: pytest.FixtureRequest) -> Run:
    return run(request.param, cases(request.param), again=2)


class TestHeld:
    def test_by_a_line_that_is_named(self, done: Run) -> None:
        assert [str(hold) for hold in done.not_named] == []

    def test_never_by_a_line_that_is_not_the_users(self, done: Run) -> None:
        timelines = [hold.timeline for hold in done.holds]
        told = {busy.line for one in timelines for busy in one.busy if busy.line is not None}
        lines = {line for line in told if ":" in line}
        assert {line for line in lines if not line.startswith("tests/served/")} == set()

    def test_once_although_other_middlewares_stand_around(self, done: Run) -> None:
        busy = [sorted((one.start, one.end) for one in hold.timeline.busy) for hold in done.holds]
        busy.append(sorted((one.start, one.end) for one in done.waiting))
        assert [two for each in busy for two in pairwise(each) if two[1][0] < two[0][1]] == []

    def test_for_the_time_that_a_ticker_misses(self, done: Run) -> None:
        assert done.named_share([hold for hold in done.holds if hold.is_named]) >= 0.95

    def test_by_whom(self, done: Run) -> None:
        # What is neither a request's nor a task's has the name of the function that was called.
        names = {
            hold.place: {busy.culprit.partition(" /")[0] for busy in hold.recorded}
            for hold in done.holds
            if hold.is_named
        }
        assert names == {
            **{place: {"GET"} for place in ("middleware", "endpoint", "dependency")},
            **{place: {"work"} for place in names if place in ("task", "background", "group")},
            **({"gather": {"work"}, "callback": {"hold"}} if "gather" in names else {}),
        }


@pytest.mark.skipif(
    importlib.util.find_spec("uvicorn_worker") is None, reason="gunicorn is not installed"
)
def test_a_line_is_named_in_a_worker_that_was_forked_from_the_loaded_app() -> None:
    preload = {"GUNICORN_CMD_ARGS": "--preload"}
    with running("gunicorn", "lines:app", **preload) as server:
        server.client.get("/held/endpoint/sleep/0")
        (busy,) = server.timeline("/held").busy
        assert busy.line in lines()["sleep"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("uvicorn", "lines:app") as server:
        yield server


@pytest.mark.parametrize("threads", [1, 4])
def test_who_keeps_the_interpreter_lock_is_blamed_not_who_waits_for_it(
    server: Server, threads: int
) -> None:
    with ThreadPoolExecutor(threads) as clients:
        hogs = [clients.submit(server.client.get, "/hog/2") for _ in range(threads)]
        while not all(hog.done() for hog in hogs):
            server.client.get("/innocent")
    waited = [busy for one in server.timelines("/innocent") for busy in own(one)]
    assert {busy.line for busy in waited if not busy.thread} <= {None}
    named = [(busy.culprit, busy.line) for busy in waited if busy.thread]
    assert named != []
    assert {culprit for culprit, _ in named} == {"hog in a thread"}
    assert {line for _, line in named} <= lines()["hog"]


def own(timeline: Timeline) -> list[Busy]:
    return [one for one in timeline.busy if one.thread or one.culprit == timeline.title]
