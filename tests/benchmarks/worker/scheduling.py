"""Nanoseconds a request, tasks included, of a group of cases that take turns."""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from contenders import Case, Job, make_app
from server import Server

CALLS = 20


class Countdown:
    """Tells when the last of a batch of tasks has run, at next to no cost in each."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def start(self, tasks: int) -> None:
        self._seen = itertools.count(1)
        self._last = tasks
        self._over = asyncio.Event()

    def tick(self) -> None:
        if next(self._seen) == self._last:
            self._loop.call_soon_threadsafe(self._over.set)

    async def wait(self) -> None:
        if self._last:
            await self._over.wait()
        # What a runner does after a task's last line counts too.
        for _ in range(3):
            await asyncio.sleep(0)


def _job(kind: str, countdown: Countdown) -> Job:
    async def on_the_loop() -> None:
        countdown.tick()

    def in_a_thread() -> None:
        countdown.tick()

    return on_the_loop if kind == "async" else in_a_thread


class Contest:
    """The endpoints of one group of cases."""

    def __init__(self, kind: str, cases: list[Case]) -> None:
        self._cases = cases
        self._countdown = Countdown()
        self._threads = kind == "def"
        job = _job(kind, self._countdown)
        self._servers = [Server(make_app(case, job)) for case in cases]

    async def open(self) -> None:
        for case, server in zip(self._cases, self._servers, strict=True):
            await server.start()
            await self._batch(case, server)
        gc.collect()

    async def round(self, number: int) -> list[float]:
        """Return nanoseconds a request for each case."""
        times = [0.0] * len(self._cases)
        order = list(range(len(self._cases)))
        # In a fixed order, each case would pay for what the one before it left behind.
        random.Random(number).shuffle(order)
        for index in order:
            times[index] = await self._batch(self._cases[index], self._servers[index])
        return times

    async def _batch(self, case: Case, server: Server) -> float:
        calls = max(1, CALLS // max(1, case.count))
        if calls > 1:
            await self._run(case, server, 1)
        began = time.perf_counter_ns()
        await self._run(case, server, calls)
        taken = time.perf_counter_ns() - began
        if self._threads and case.count:
            await asyncio.sleep(0.0005)
        return taken / calls

    async def _run(self, case: Case, server: Server, calls: int) -> None:
        self._countdown.start(calls * case.count)
        for _ in range(calls):
            await server.request()
        await self._countdown.wait()

    async def close(self) -> None:
        for server in self._servers:
            await server.stop()


async def scheduling(
    ask: Callable[[], Any], kind: str, cases: list[list[Any]]
) -> AsyncIterator[list[float]]:
    """Yield the times of one round whenever the other end asks for it, until it says null."""
    contest = Contest(kind, [Case(*case) for case in cases])
    await contest.open()
    yield []
    while (number := ask()) is not None:
        yield await contest.round(number)
    await contest.close()
