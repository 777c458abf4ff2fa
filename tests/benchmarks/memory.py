"""What stays in memory: per recorded request, per pending task, and over many requests."""

from __future__ import annotations

from tests.benchmarks.contenders import CONTENDERS, OURS, environment_of
from tests.benchmarks.environments import UnavailableError
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Row, Subject
from tests.benchmarks.workers import working

TASKS = 3
PER_REQUEST = 100

UNIT = (
    "bytes that tracemalloc sees; blocks that the allocator has more, maxlen=256; "
    "a pending task of the plain endpoint is a bare asyncio task"
)


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Measure each contender in fresh processes."""
    subject = Subject(UNIT, CONTENDERS)
    requests = 5_000 if quick else 200_000
    rows: dict[str, Row] = {
        RECORDED: {},
        PENDING: {},
        f"blocks gained over {requests:,} requests": {},
    }
    recorded, pending, growth = rows.values()
    for name in ("plain", *OURS) if quick else CONTENDERS:
        progress.step(name)
        try:
            python = environment_of(name)
        except UnavailableError as error:
            subject.notes.append(f"{name} is left out: {error}")
            continue
        recorded[name] = _ask(python, "recorded", contender=name, tasks=TASKS)
        if name != "BackgroundTasks":
            # Its tasks wait for each other: of those scheduled, only one is pending.
            pending[name] = _ask(python, "pending", contender=name, tasks=PER_REQUEST)
        if name == "on":
            progress.step(f"{name}, {requests:,} requests")
            growth[name] = _ask(python, "growth", contender=name, requests=requests)
    subject.rows = rows
    return subject


RECORDED = "bytes per recorded request, 3 tasks"
PENDING = "bytes per pending task"


def _ask(python: str | None, what: str, **options: object) -> float:
    with working(python) as worker:
        return round(float(worker.say({"subject": what, **options})))
