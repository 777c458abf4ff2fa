"""What watching costs, beside an OpenTelemetry SDK in the same run: ratios to the plain app."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.util import find_spec

from tests.benchmarks.numbers import paired_ratio
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from tests.benchmarks.workers import Worker, working

BARS = (0, 5, 20)
ROUNDS = 400
UNIT = "× the plain app, direct ASGI calls"
NOTE = (
    "a bar: a function that does nothing, hooked as statements and calls are; with the SDK, a "
    "span of its tracer, kept by one processor in memory"
)


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Measure each number of bars a request; the processes take turns, round by round."""
    subject = Subject(UNIT, ["watched", "OpenTelemetry"], notes=[NOTE])
    with ExitStack() as stack:
        ours = stack.enter_context(working())
        # In a process of its own: a provider is everybody's.
        sdk = find_spec("opentelemetry.sdk") is not None
        theirs = stack.enter_context(working()) if sdk else None
        for bars in BARS:
            progress.step(f"{bars} bars")
            rounds = ROUNDS // 4 if quick else ROUNDS
            subject.rows[f"{bars} bars a request"] = _row(ours, theirs, bars, rounds)
    return subject


def _row(ours: Worker, theirs: Worker | None, bars: int, rounds: int) -> dict[str, float]:
    ours.say({"subject": "watching", "contenders": ["plain", "watched"], "bars": bars})
    if theirs is not None:
        theirs.say({"subject": "watching", "contenders": ["OpenTelemetry"], "bars": bars})
    plain, watched, traced = [], [], []
    for number in range(rounds):
        one, other = ours.say(number)
        plain.append(one)
        watched.append(other)
        if theirs is not None:
            traced += theirs.say(number)
    ours.tell(None)
    row = {"watched": paired_ratio(watched, plain)}
    if theirs is not None:
        theirs.tell(None)
        row["OpenTelemetry"] = paired_ratio(traced, plain)
    return row
