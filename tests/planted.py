"""A shop with eight endpoints and planted causes: `python -m tests.planted [recording.jsonl]`.

It serves 2,000 real requests and writes down itself what held its loop and its threads, and when.
Then it tells of how many late tasks a finding names the cause that was planted.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import anyio
from fastapi import FastAPI

from fastapi_tasks import Recorder, TaskRecord, Tasks, Timeline, add_tasks
from fastapi_tasks.recording import save
from visualize import explain, s
from visualize.answers.findings import Place
from visualize.lab import serve

REQUESTS, CLIENTS, THREADS = 2_000, 8, 6
LATE = 20_000_000
"""Nanoseconds after its release at which the start of a task is late."""
PULSE = 5_000_000
"""Nanoseconds between two looks at whether the loop goes on."""
NOISE = 0.3
"""The share of a wait in which the loop stood still and nothing planted held it: from there on, the
machine, which has other work to do, is a cause as well, and nobody can say which one counts."""

# Some of its tasks and endpoints hold the event loop, which is what is planted.
# ruff: noqa: ASYNC251

VISITS = [
    *[("GET", "/items/3")] * 50, *[("GET", "/search")] * 20, *[("GET", "/cart")] * 10,
    *[("POST", "/orders")] * 20, *[("POST", "/images")] * 2, *[("GET", "/report")] * 1,
    *[("POST", "/imports")] * 1, *[("POST", "/reviews")] * 2,
]  # fmt: skip


@dataclass
class Ledger:
    """What the shop's own code did, by its own stamps: who, from when to when, in nanoseconds."""

    loop: list[tuple[str, int, int]] = field(default_factory=list)
    threads: list[tuple[str, int, int]] = field(default_factory=list)
    stalls: list[tuple[int, int]] = field(default_factory=list)
    """When the loop did nothing for anybody, for whatever reason."""

    @contextmanager
    def holding(self, cause: str) -> Iterator[None]:
        start = time.perf_counter_ns()
        yield
        self.loop.append((cause, start, time.perf_counter_ns()))

    @contextmanager
    def working(self, cause: str) -> Iterator[None]:
        start = time.perf_counter_ns()
        yield
        self.threads.append((cause, start, time.perf_counter_ns()))

    @asynccontextmanager
    async def watching(self, app: FastAPI) -> AsyncIterator[None]:
        """Have a pulse on the loop while the app is up."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._pulse)
            yield
            group.cancel_scope.cancel()

    async def _pulse(self) -> None:
        while True:
            due = time.perf_counter_ns() + PULSE
            await anyio.sleep(PULSE / 1e9)
            if (now := time.perf_counter_ns()) > due + 3 * PULSE:
                self.stalls.append((due, now))


def shop(ledger: Ledger) -> FastAPI:
    app = FastAPI(lifespan=ledger.watching)
    add_tasks(app, recorder=Recorder(maxlen=REQUESTS + 100), threads=THREADS)

    async def send_mail() -> None:
        await anyio.sleep(0.02)

    async def audit() -> None:
        await anyio.sleep(0.003)

    def print_label() -> None:
        with ledger.working("print_label"):
            time.sleep(0.004)

    async def resize() -> None:
        with ledger.holding("resize"):
            time.sleep(0.06)

    def parse() -> None:
        with ledger.working("parse"):
            time.sleep(0.05)

    async def index() -> None:
        await anyio.sleep(0.002)

    @app.get("/items/{number}")
    async def item(number: int) -> int:
        await anyio.sleep(0.002)
        return number

    @app.get("/search")
    async def search() -> None:
        await anyio.sleep(0.01)

    @app.get("/cart")
    def cart() -> None:
        time.sleep(0.002)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        await anyio.sleep(0.003)
        tasks.after_route.schedule(audit)
        tasks.after_response.schedule(send_mail)
        tasks.after_response.schedule(print_label)

    @app.post("/images")
    async def image(tasks: Tasks) -> None:
        tasks.after_response.schedule(resize)
        tasks.after_response.schedule(audit)

    @app.get("/report")
    async def report(tasks: Tasks) -> None:
        await anyio.sleep(0.001)
        with ledger.holding("GET /report"):
            time.sleep(0.05)

    @app.post("/imports")
    async def imports(tasks: Tasks) -> None:
        for _ in range(3 * THREADS):
            tasks.after_response.schedule(parse)

    @app.post("/reviews")
    async def review(tasks: Tasks) -> None:
        tasks.schedule(index)
        with ledger.holding("POST /reviews"):
            time.sleep(0.04)

    return app


async def recorded(ledger: Ledger, requests: int = REQUESTS) -> list[Timeline]:
    """Have eight clients visit the shop, in an order that is the same each time."""
    rng = random.Random(0)
    visits = iter([rng.choice(VISITS) for _ in range(requests)])
    async with serve(shop(ledger), quiet=True) as lab:
        for visit in dict.fromkeys(VISITS):
            await lab.warm_up(*visit)

        async def client() -> None:
            for visit in visits:
                await lab.request(*visit)

        async with anyio.create_task_group() as group:
            for _ in range(CLIENTS):
                group.start_soon(client)
        await lab.settled()
        return lab.timelines


# What was planted, and what is named -----------------------------------------------------------

Planted = tuple[str, str]
"""A cause: that it kept the `loop` or the `threads`, and its name."""


@dataclass(frozen=True)
class Verdict:
    """Late tasks: how many, for how many a cause was planted, and of how many it is named.

    `wrong` tells for how many tasks a planted cause is named that held nothing while they waited.
    """

    late: int
    planted: int
    named: int
    wrong: int

    @property
    def share(self) -> float:
        return self.named / self.planted


def judged(timelines: list[Timeline], ledger: Ledger) -> Verdict:
    """Look up each late task among the victims of the findings.

    The ledger is a witness of its own, also of what other processes did to the machine: a task that
    was late for that has no planted cause.
    """
    named: dict[Place, set[Planted]] = {}
    for finding in explain(timelines):
        what = "threads" if finding.rule == "no_thread_free" else "loop"
        for victim in finding.victims:
            named.setdefault(victim.place, set()).add((what, finding.cause.name))
    full = _full(ledger)
    late, with_cause, found, wrong = 0, 0, 0, 0
    for timeline in timelines:
        for task in timeline.tasks:
            said = named.get(Place(timeline.process, timeline.id, task.id), set())
            shares = _shares(task, ledger, full)
            wrong += any(shares.get(cause) == 0 for cause in said)
            if (task.waited or 0) > LATE:
                late += 1
                most = {cause for cause, share in shares.items() if share >= 0.5}
                if most and _noise(task, ledger, shares) < NOISE:
                    with_cause += 1
                    found += bool(most & said)
    return Verdict(late, with_cause, found, wrong)


def _shares(
    task: TaskRecord, ledger: Ledger, full: list[tuple[str, int, int]]
) -> dict[Planted, float]:
    """Which share of a task's wait each planted cause had: two may have had it at once."""
    shares: dict[Planted, float] = {}
    for what, causes in {"loop": ledger.loop, "threads": full if task.thread else []}.items():
        for cause, start, end in causes:
            before = shares.get((what, cause), 0.0)
            shares[what, cause] = before + _share(task, start, end)
    return shares


def _noise(task: TaskRecord, ledger: Ledger, shares: dict[Planted, float]) -> float:
    """The share of a task's wait in which the loop stood still, and not for what was planted."""
    still = sum(_share(task, *stall) for stall in ledger.stalls)
    return still - sum(share for (what, _), share in shares.items() if what == "loop")


def _share(task: TaskRecord, start: int, end: int) -> float:
    released, started = task.released or 0, task.started or 0
    return max(min(end, started) - max(start, released), 0) / max(started - released, 1)


def _full(ledger: Ledger) -> list[tuple[str, int, int]]:
    """When all threads worked: only `parse` ever keeps them all."""
    changes = sorted(
        change for _, start, end in ledger.threads for change in ((start, 1), (end, -1))
    )
    found, now, since = [], 0, 0
    for at, change in changes:
        if now >= THREADS:
            found.append(("parse", since, at))
        now, since = now + change, at
    return found


def main() -> None:
    """Record, judge, and print what was found."""
    ledger = Ledger()
    began = time.perf_counter_ns()
    timelines = anyio.run(recorded, ledger)
    took = s(time.perf_counter_ns() - began)
    if sys.argv[1:]:
        save(timelines, sys.argv[1])
    verdict = judged(timelines, ledger)
    print(f"{len(timelines):,} requests in {took:.1f} s, {verdict.late} tasks late by over 20 ms")
    print(f"cause planted for {verdict.planted}, named for {verdict.named}: {verdict.share:.1%}")
    print(f"a cause named for {verdict.wrong} that did not wait for it")
    for finding in explain(timelines):
        print(f"\n{finding}")


if __name__ == "__main__":
    main()
