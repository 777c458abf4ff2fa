"""How often the line that held the event loop is named, and how much of the held time."""

from __future__ import annotations

from itertools import product

from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from tests.holding import ASYNCIO_PLACES, PLACES, WAYS, run

ROUNDS = 17
KINDS = {
    "uvicorn": ASYNCIO_PLACES,
    "uvicorn on uvloop": ASYNCIO_PLACES,
    "hypercorn on trio": PLACES,
}


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Hold the loop of three servers in each place, in six ways."""
    rounds = 1 if quick else ROUNDS
    unit = f"% of {rounds * len(WAYS)} holds a place that were named, and of a ticker's held time"
    subject = Subject(unit, ["named", "time"])
    for kind, places in KINDS.items():
        progress.step(kind)
        done = run(kind, list(product(places, WAYS)) * rounds)
        for place in places:
            holds = [hold for hold in done.holds if hold.place == place]
            row = subject.rows[f"{kind}: {place}"] = {}
            row["named"] = round(100 * sum(hold.is_named for hold in holds) / len(holds), 1)
            row["time"] = round(100 * done.named_share(holds), 1)
    return subject
