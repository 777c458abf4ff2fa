"""What one round does, drawn from its seed: the same for its app, its client and its check."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal, get_args

from fastapi_tasks import Mode

Kind = Literal["coroutine", "function", "awaitable"]
"""An `async def`, a `def`, or a `def` that returns a coroutine."""

End = Literal["plain", "refuses", "unwinds", "never"]
"""`refuses` a cancellation and goes on; `unwinds` for a moment first; `never` ends at all."""

Endpoint = Literal[
    "coroutine", "function", "stream", "socket", "dependency", "fails", "refuses", "leaves"
]
"""What schedules: `refuses` raises an HTTPException, `leaves` is a stream whose client goes."""

Flavour = Literal["mixed", "backlog"]
"""A little of everything, or a queue of `def` tasks that no grace period is long enough for."""

FLAVOURS: tuple[Flavour, ...] = get_args(Flavour)
MODES: tuple[Mode, ...] = ("immediate", "after_route", "after_response")
ENDPOINTS: tuple[Endpoint, ...] = get_args(Endpoint)
ERRORS = (
    *("ValueError", "ExceptionGroup", "BaseExceptionGroup", "SystemExit", "GeneratorExit"),
    "CancelledError",
)

MIXED_CALLS = 40
BACKLOG_CALLS, BACKLOG_WORKS = 30, 40


@dataclass(frozen=True)
class Work:
    """One task, and those that it schedules when it starts.

    `seconds` is how long it takes when nobody stops it, `error` what it raises at its end, and
    `reported` by what kind of function its `on_error` is one, if it has any. On the event loop it
    `holds` that for so many seconds before it ends.
    """

    name: str
    kind: Kind
    mode: Mode
    seconds: float
    shield: bool = False
    end: End = "plain"
    error: str = ""
    reported: Kind | None = None
    holds: float = 0
    children: tuple[Work, ...] = ()

    @property
    def token(self) -> int:
        """A second argument, which nobody but this task is given."""
        return zlib.crc32(self.name.encode())

    def family(self) -> Iterator[Work]:
        """Yield this task and all that come of it."""
        yield self
        for child in self.children:
            yield from child.family()


@dataclass(frozen=True)
class Call:
    """One request, sent `after` so many seconds, and what its endpoint schedules."""

    number: int
    endpoint: Endpoint
    after: float
    works: tuple[Work, ...]

    @property
    def path(self) -> str:
        """Where the request goes."""
        return f"/{self.endpoint}/{self.number}"


@dataclass(frozen=True)
class Plan:
    """One round: limits of the app in seconds, its requests, and when to end it.

    `shielded` is the share of its tasks that are.
    """

    seed: int
    flavour: Flavour
    grace_period: float
    shutdown_timeout: float
    threads: int
    calls: tuple[Call, ...]
    stop_after: float
    shielded: float

    @property
    def works(self) -> dict[str, Work]:
        """All tasks by their name."""
        roots = chain.from_iterable(call.works for call in self.calls)
        return {work.name: work for root in roots for work in root.family()}


def draw(seed: int, flavour: Flavour) -> Plan:
    """Draw a round."""
    chance = random.Random(f"{flavour} {seed}")
    stop_after = chance.uniform(0.1, 0.8)
    grace = chance.choice([0.0, 0.1, 0.25, 0.4])
    plan = Plan(
        seed=seed,
        flavour=flavour,
        grace_period=grace,
        shutdown_timeout=grace + chance.uniform(0.4, 0.8),
        threads=chance.choice([2, 4, 8]),
        calls=(),
        stop_after=stop_after,
        shielded=chance.choice([0.05, 0.3, 0.8]),
    )
    make = _mixed if flavour == "mixed" else _backlog
    count = MIXED_CALLS if flavour == "mixed" else BACKLOG_CALLS
    calls = (make(chance, plan, number, stop_after) for number in range(count))
    return replace(plan, calls=tuple(calls))


def _mixed(chance: random.Random, plan: Plan, number: int, until: float) -> Call:
    endpoint = chance.choice(ENDPOINTS)
    count = chance.randint(1, 6)
    works = tuple(_work(chance, plan, f"c{number}.{one}", depth=2) for one in range(count))
    # Some are sent when the server no longer listens.
    return Call(number, endpoint, chance.uniform(0, until * 1.1), works)


def _work(chance: random.Random, plan: Plan, name: str, depth: int) -> Work:
    kind = chance.choices(["coroutine", "function", "awaitable"], [5, 4, 1])[0]
    end, error = "plain", ""
    lot = chance.random()
    if lot < 0.2:
        error = chance.choice(ERRORS)
    elif lot < 0.4 and kind != "function":
        end = chance.choices(["refuses", "unwinds", "never"], [4, 4, 1])[0]
    count = chance.choice([0, 0, 1, 2]) if depth else 0
    return Work(
        name=name,
        kind=kind,  # type: ignore[arg-type]
        mode=chance.choice(MODES),
        seconds=_seconds(chance, plan, kind),
        shield=chance.random() < plan.shielded,
        end=end,  # type: ignore[arg-type]
        error=error,
        reported=chance.choice([None, "coroutine", "function"]) if error else None,
        holds=chance.uniform(0.02, 0.2) if chance.random() < 0.02 else 0,
        children=tuple(_work(chance, plan, f"{name}.{n}", depth - 1) for n in range(count)),
    )


def _seconds(chance: random.Random, plan: Plan, kind: str) -> float:
    beyond_grace = plan.grace_period + chance.uniform(0, 0.4)
    longest = plan.shutdown_timeout + 1
    short = chance.uniform(0.001, 0.02)
    # A function that takes long keeps one of few threads.
    weights = [4, 8, 5, 1] if kind != "function" else [4, 30, 2, 1]
    return chance.choices([0, short, beyond_grace, longest], weights)[0]


def _backlog(chance: random.Random, plan: Plan, number: int, until: float) -> Call:
    # Three times what the threads can do until the grace period is over.
    seconds = 3 * plan.threads * (plan.grace_period + until) / (BACKLOG_CALLS * BACKLOG_WORKS)
    works = tuple(
        Work(
            name=f"c{number}.{one}",
            kind="function",
            mode=chance.choice(MODES),
            seconds=chance.uniform(0, 2 * seconds),
            shield=chance.random() < plan.shielded,
        )
        for one in range(BACKLOG_WORKS)
    )
    return Call(number, chance.choice(["coroutine", "function"]), 0.004 * number, works)
