"""What the painters say in words: durations, ticks of a time axis, names of parts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from fastapi_tasks.timeline import SpanKind

US, MS, S = 1_000, 1_000_000, 1_000_000_000
MIN, H = 60 * S, 3_600 * S

UNITS = (("h", H), ("min", MIN), ("s", S), ("ms", MS), ("µs", US), ("ns", 1))

MARK_WORDS = {"endpoint_end": "endpoint end", "response_sent": "response sent"}
PHASE_WORDS = {
    "before": "before the endpoint",
    "endpoint": "endpoint",
    "handling": "handling",
    "sending": "response being sent",
    "after": "after the response",
    "waiting": "waits for the response",
    "receiving": "receives the response",
}
PART_WORDS = {"held": "{} is held back", "wait": "{} waits", "run": "{}"}
"""What the parts of a task's time are called, each after the task's name."""
SPAN_WORDS: dict[SpanKind, tuple[str, str]] = {
    "middleware": ("middleware", "middleware {}"),
    "dependency": ("dependency", "dependency {}"),
    "close": ("close", "close {}"),
    "validation": ("validation", "validation {}"),
    "endpoint": ("endpoint", "endpoint {}"),
    "serialization": ("serialization", "serialization {}"),
    "sending": ("sending", "sending {}"),
    "sql": ("SQL", "SQL {}"),
    "pool": ("waits for a connection", "waits for a connection to {}"),
    "http": ("calls another service", "calls {}"),
    "redis": ("redis", "redis {}"),
    "thread": ("work in a thread", "{} in a thread"),
    "telemetry": ("span", "{}"),
}
"""What a span of each kind is called: one that has no name of its own, and one that has."""


def duration(ns: int) -> str:
    """Write a duration of `ns` nanoseconds for people, to three digits: `12.6 ms`, `1 min 35 s`."""
    sign, size = ("−", -ns) if ns < 0 else ("", ns)
    size = round(size, min(3 - len(str(size)), 0))
    if size < MIN:
        unit, factor = next((u for u in UNITS if u[1] <= size), UNITS[-1])
        return f"{sign}{size / factor:.3g} {unit}"
    seconds = (abs(ns) + S // 2) // S
    parts = ((seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    first = 0 if parts[0][0] else 1
    said = [f"{value} {unit}" for value, unit in parts[first : first + 2] if value]
    return sign + " ".join(said)


def ticks(start: int, end: int, most: int) -> list[int]:
    """Choose at most `most` round moments from `start` to `end`, all in nanoseconds."""
    step = _step(max(end - start, 1) / max(most - 1, 1))
    return list(range(-(-start // step) * step, end + 1, step))


def tick_labels(moments: Sequence[int]) -> list[str]:
    """Write moments, in nanoseconds, in the one unit that needs the fewest digits."""
    step = min((b - a for a, b in pairwise(moments)), default=0)
    largest = max(map(abs, moments), default=0)
    fitting = (u for u in UNITS if u[1] <= largest and _decimals(step or largest, u[1]) <= 3)
    unit, factor = next(fitting, UNITS[-1])
    places = _decimals(step or largest, factor)
    return [
        f"{moment / factor:.{places}f} {unit}".replace("-", "−") if moment else "0"
        for moment in moments
    ]


def span_words(kind: SpanKind, name: str) -> str:
    """Say what a span is: `dependency get_db`, `SQL SELECT orders`, `waits for a connection`."""
    alone, named = SPAN_WORDS[kind]
    return alone if name in ("", kind) else named.replace("{}", name)


def times(number: int) -> str:
    """Write how many things a name before it stands for: ` × 159`, or nothing for one."""
    return f" × {number:,}" if number > 1 else ""


def count(number: int, noun: str) -> str:
    """Write a number and its noun: `1 task`, `1,000 tasks`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def often(number: int, of: int) -> str:
    """Write how many of so many times, a space first: ` 2 of 4 times`; of one time, nothing."""
    if number == of:
        return ("", " both times")[of - 1] if of < 3 else f" all {of:,} times"
    return f" {number:,} of {count(of, 'time')}"


def _step(least: float) -> int:
    """The smallest round step, in nanoseconds, that is not below `least`."""
    clock = (15 * S, 30 * S, *(n * MIN for n in (1, 2, 5, 10, 15, 30)), *(n * H for n in (1, 2, 6)))
    decimal = (digit * 10**power for power in range(11) for digit in (1, 2, 5))
    steps = (*(step for step in decimal if step <= 10 * S), *clock)
    return next((step for step in steps if step >= least), 12 * H * -(-int(least) // (12 * H)))


def _decimals(step: int, factor: int) -> int:
    """Decimals that a multiple of `step` needs in a unit of `factor`; many where it never ends."""
    return next((places for places in range(4) if step * 10**places % factor == 0), 9)
