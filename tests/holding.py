"""Runs of the app that holds its loop, and what was recorded of them beside its own stamps."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial

from fastapi_tasks import Busy, Timeline, from_json

from .servers import ROOT, Server, running

APP = "tests/served/lines.py"
MS = 1_000_000

PLACES = "middleware", "endpoint", "dependency", "task", "background", "group"
ASYNCIO_PLACES = *PLACES, "gather", "callback"
WAYS = "sleep", "python", "dump", "order", "match", "derive"

Interval = tuple[int, int]
Case = tuple[str, str]
"""A place, and a way to hold the loop there."""


@dataclass
class Hold:
    """One request that held the loop: where, how, when, and what was recorded of it."""

    place: str
    way: str
    stamped: Interval
    timeline: Timeline

    @property
    def case(self) -> Case:
        """What was asked for."""
        return self.place, self.way

    @property
    def recorded(self) -> list[Busy]:
        """What covers the time that was stamped."""
        begun, ended = self.stamped
        return [
            one for one in self.timeline.busy if overlap(one, self.stamped) > (ended - begun) / 2
        ]

    @property
    def is_named(self) -> bool:
        """Whether it was recorded once, all of it, by its line."""
        if len(self.recorded) != 1:
            return False
        (busy,) = self.recorded
        begun, ended = self.stamped
        whole = overlap(busy, self.stamped) > (ended - begun) * 0.9
        return whole and busy.line in lines()[self.way]

    def __str__(self) -> str:
        seen = [((one.end - one.start) / MS, one.culprit, one.line) for one in self.timeline.busy]
        begun, ended = self.stamped
        return f"{self.place} {self.way}, {(ended - begun) / MS} ms: {seen}"


@dataclass
class Run:
    """All holds of one server, a request that waited meanwhile, and the gaps of a ticker."""

    holds: list[Hold] = field(default_factory=list)
    waiting: list[Busy] = field(default_factory=list)
    gaps: list[Interval] = field(default_factory=list)

    @property
    def not_named(self) -> list[Hold]:
        """The last hold of each case that was never recorded as it should be."""
        named = {hold.case for hold in self.holds if hold.is_named}
        return list({hold.case: hold for hold in self.holds if hold.case not in named}.values())

    def named_share(self, holds: list[Hold]) -> float:
        """Return how much of the loop's gaps around these holds has a line of the app."""
        held = [gap for gap in self.gaps if any(_within(one.stamped, gap) for one in holds)]
        named = [one for one in self.waiting if (one.line or "").startswith(APP)]
        covered = sum(overlap(busy, gap) for gap in held for busy in named)
        return covered / sum(end - start for start, end in held)


def run(kind: str, cases: Iterable[Case], again: int = 0) -> Run:
    """Hold the loop of one server, one case after the other.

    A case that is not named is run again, so many times at most: a busy machine may take from the
    watching thread the one look that C code allows it.
    """
    done, cases = Run(), list(cases)
    with running(kind, "lines:app", WAYS=" ".join({way for _, way in cases})) as server:
        with _waiting(server):
            _hold(server, cases, done)
            for _ in range(again):
                _hold(server, [hold.case for hold in done.not_named], done)
        (waited,) = server.timelines("/waiting")
        done.waiting = waited.busy
        done.gaps = server.client.get("/stamps").json()["gaps"]
        server.assert_no_trouble()
    return done


def _hold(server: Server, cases: list[Case], done: Run) -> None:
    first = len(done.holds)
    for number, (place, way) in enumerate(cases, first):
        server.client.get(f"/held/{place}/{way}/{number}").raise_for_status()
    timelines = _by_number(server)
    stamps: list[Interval] = server.client.get("/stamps").json()["held"]
    for number, case in enumerate(cases, first):
        done.holds.append(Hold(*case, stamps[number], timelines[number]))


@contextmanager
def _waiting(server: Server) -> Iterator[None]:
    """Have a request under way while this is open."""
    get = partial(server.client.get, "/waiting", timeout=None)
    thread = threading.Thread(target=get)
    thread.start()
    try:
        server.wait_for("app: waits")
        yield
    finally:
        server.open("waited enough")
        thread.join()


def _by_number(server: Server) -> dict[int, Timeline]:
    text = server.client.get("/timelines", params={"of": "/held/"}).text
    found = {}
    for timeline in from_json(text):
        number = timeline.path.rpartition("/")[2]
        if number.isdigit():
            found[int(number)] = timeline
    return found


def overlap(busy: Busy, interval: Interval) -> int:
    """Return for how many nanoseconds both were."""
    return max(min(busy.end, interval[1]) - max(busy.start, interval[0]), 0)


def _within(inner: Interval, outer: Interval) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


@cache
def lines() -> dict[str, set[str]]:
    """Return the lines of the app that hold the loop, by way, as they are recorded."""
    found: dict[str, set[str]] = {}
    for number, line in enumerate((ROOT / APP).read_text().splitlines(), 1):
        marked = re.search(r"# holds: (\w+)$", line)
        if marked:
            found.setdefault(marked[1], set()).add(f"{APP}:{number} in {marked[1]}")
    return found
