"""What a recorded request is made of, piece by piece: how low its cost can get at all."""

from __future__ import annotations

from tests.benchmarks.numbers import paired_ratio
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from tests.benchmarks.workers import working

# The names of the layers, each of which does more than the one before: worker/floor.py.
LAYERS = [
    "a layer that awaits the app",
    "… and watches its first step",
    "… and forwards its messages",
    "… and reads the clock",
    "… and keeps the request",
    "… and attends to those who ask",
]
PIECES = {
    **{layer: layer for layer in LAYERS},
    "the library, unused": "unused",
    "a dependency that does nothing": "a dependency",
    "the library, Tasks asked for": "on",
}

UNIT = "× the plain endpoint, no task scheduled, direct ASGI calls, asyncio"


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Measure each piece beside the plain endpoint."""
    subject = Subject(UNIT, ["× plain"])
    cases = [["plain", 0, "immediate"], *([name, 0, "immediate"] for name in PIECES.values())]
    progress.step("pieces")
    with working() as worker:
        worker.say({"subject": "scheduling", "kind": "async", "cases": cases})
        rounds = [worker.say(number) for number in range(200 if quick else 1000)]
        worker.tell(None)
    base, *others = zip(*rounds, strict=True)
    for name, column in zip(PIECES, others, strict=True):
        subject.rows[name] = {"× plain": paired_ratio(column, base)}
    return subject
