"""Four questions, as a person has them at the screen: each is answered within three actions."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Tasks, add_tasks
from fastapi_tasks.timeline import TaskRecord, Timeline
from tests.planted import THREADS, Ledger, recorded
from tests.samples import MS
from visualize.lab import serve
from visualize.live import mount
from visualize.live.token import token_of

from .person import Person
from .screen import Screen

Show = Callable[..., Screen]

MOST = 3
"""Actions from the opening of the page to the answer."""


@dataclass
class Shop:
    """2,000 requests of a shop, and what its own code says it was held up by."""

    timelines: list[Timeline]
    ledger: Ledger

    def late(self, cause: str, *, thread: bool) -> list[Late]:
        """Tasks whose wait was all but filled by what one cause did, by the shop's own stamps."""
        stamps = self.ledger.threads if thread else self.ledger.loop
        kept = [(start, end) for name, start, end in stamps if name == cause]
        most = THREADS if thread else 1
        return [
            Late(timeline, task, cause)
            for timeline in self.timelines
            for task in timeline.tasks
            if task.thread == thread
            and (task.waited or 0) > 25 * MS
            and overlap(kept, task.released, task.started) > 0.9 * most * (task.waited or 0)
        ]

    def lost(self, cause: str) -> int:
        """How long responses waited while a cause held the loop, in nanoseconds."""
        kept = [(start, end) for name, start, end in self.ledger.loop if name == cause]
        return sum(overlap(kept, one.request_start, one.response_sent) for one in self.timelines)


@dataclass
class Late:
    """A task that was late, and why."""

    timeline: Timeline
    task: TaskRecord
    cause: str


def overlap(kept: list[tuple[int, int]], begin: int | None, end: int | None) -> int:
    """How long something was kept from one who waited, in nanoseconds."""
    return sum(max(0, min(to, end or 0) - max(from_, begin or 0)) for from_, to in kept)


@pytest.fixture(scope="module")
def shop() -> Shop:
    ledger = Ledger()
    with ThreadPoolExecutor(1) as thread:  # the browser's own loop runs in this one
        return Shop(thread.submit(anyio.run, recorded, ledger).result(), ledger)


def test_which_task_hurt_responses_most(show: Show, shop: Shop) -> None:
    person = Person(show(shop.timelines, title="Shop"))
    tasks = {"resize", "send_mail", "audit", "index", "print_label", "parse"}
    hurt = max(tasks, key=shop.lost)
    assert hurt == "resize"
    said = person.sees(r"([\d.]+ m?s) (\w+) \(\w+\) held the event loop .*? (\d+) responses")
    assert said[2] == hurt
    assert int(said[3]) > 10
    person.clicks(rf"{hurt} \(after_response\) held the event loop")
    person.sees(rf"{hurt} was held back .* by its mode, waited .* then ran .* on the event loop")
    person.sees(r"Held up [\d.]+ ms \w+")
    assert person.actions <= MOST


def asked_for(late: Late, show: Show, shop: Shop, more: str = "") -> Person:
    """Somebody complains of one task: its name and its request are known."""
    person = Person(show(shop.timelines, title="Shop"))
    person.types(f"name:{late.task.name} #{late.timeline.id}{more}", into="Filter")
    person.presses("Enter")
    return person


def test_why_was_a_task_late_that_waited_for_the_loop(show: Show, shop: Shop) -> None:
    causes = ("resize", "POST /reviews", "GET /report")
    found = [late for cause in causes for late in shop.late(cause, thread=False)]
    assert len(found) > 5
    for late in random.Random(1).sample(found, 3):
        person = asked_for(late, show, shop)
        person.sees(rf"{late.task.name} (was held back .*)?waited ")
        person.sees(rf"Held up by [\d.]+ ms {re.escape(late.cause)}.* held the loop")
        assert person.actions <= MOST


def test_why_was_a_task_late_that_waited_for_a_thread(show: Show, shop: Shop) -> None:
    found = shop.late("parse", thread=True)
    assert len(found) > 5
    for late in random.Random(1).sample(found, 3):
        person = asked_for(late, show, shop, " wait>20ms")
        person.sees(rf"Waited for a thread: \d+ tasks kept them, among them [\d.]+ ms {late.cause}")
        assert person.actions <= MOST


def test_the_slowest_of_all_is_seen_and_explained(show: Show, shop: Shop) -> None:
    person = Person(show(shop.timelines, title="Shop"))
    person.sees("Each point is one over the time of day")
    x, y, *_ = person.box("Each point is one")
    page = person.screen.page.viewport_size
    left, top = x + 70, y + 30
    colors = person.picture(left, top, page["width"] - left - 20, 150)
    blue = colors[:, :, 2] - colors[:, :, 0] > 60
    highest = int(blue.any(axis=1).argmax())
    person.clicks_at(left + int(blue[highest].argmax()) + 1, top + highest + 1)
    said = person.sees(r"([A-Z]+ /\S+ #\d+): response sent after")
    slowest = next(one for one in shop.timelines if one.title == said[1])
    lasted = (slowest.response_sent or 0) - slowest.request_start
    longest = max((one.response_sent or 0) - one.request_start for one in shop.timelines)
    assert lasted >= 0.95 * longest  # points so near each other are one on the screen
    kept = [(start, end) for _, start, end in shop.ledger.loop]
    if overlap(kept, slowest.request_start, slowest.response_sent) > lasted / 2:
        person.sees(r"Held up (by )?[\d.]+ ms ")  # else it was the machine, which nobody planted
    assert person.actions <= MOST


def test_what_changed_between_two_runs(show: Show, shop: Shop) -> None:
    slower = [replace(one, tasks=[_slower(task) for task in one.tasks]) for one in shop.timelines]
    person = Person(show({"before": shop.timelines, "after": slower}))
    person.sees(r"took p95 .*?send_mail after_response slower .*?\+300 %")
    assert len(re.findall(r"\b(slower|faster)\b", person.read())) == 1
    person.clicks("^send_mail$")
    person.sees(r"send_mail was held back .* waited .* then ran [\d.]+ ms")
    assert person.actions <= MOST


def _slower(task: TaskRecord) -> TaskRecord:
    # By a factor: how long it really ran depends on the machine.
    if task.name != "send_mail" or task.ran is None or task.finished is None:
        return task
    return replace(task, finished=task.finished + 3 * task.ran)


def busy_shop(go_on: anyio.Event) -> FastAPI:
    """Something runs for long, something hangs, something failed."""
    app = FastAPI(title="Shop")
    add_tasks(app)
    mount(app)

    async def export() -> None:
        await go_on.wait()

    @app.post("/exports")
    async def start(tasks: Tasks) -> None:
        tasks.after_response.schedule(export)

    @app.get("/hanging")
    async def hang() -> None:
        await go_on.wait()

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("as it is meant to")

    @app.post("/go-on")
    async def release() -> None:
        go_on.set()

    return app


def test_what_is_going_on_right_now(new_screen: Callable[..., Screen]) -> None:
    screen = new_screen()
    with serve(busy_shop(anyio.Event()), quiet=True) as lab:
        lab.post("/exports")
        screen.open(f"{lab.url}/_timeline?token={token_of('/_timeline')}")
        for _ in range(3):
            lab.get("/broken")
        screen.page.evaluate(f"void fetch('{lab.url}/hanging')")
        person = Person(screen)
        person.waits_until(r"requests / s [\d.]+ in flight 1 tasks now 1")
        person.waits_until(r"failed in \d+ s 3")
        person.waits_until(r"slowest task now export for \d[\d.]* m?s")
        person.clicks("^export$")
        person.sees("export was held back .* then has been running on the event loop")
        assert person.actions <= MOST
        lab.post("/go-on")
        person.waits_until(r"in flight 0 tasks now 0 .* slowest task now –")
        troubles = [*screen.troubles]
    person.waits_until(r"The server is gone since \d\d:\d\d:\d\d: what you see is from before")
    screen.page.goto("about:blank")
    screen.troubles[:] = troubles
