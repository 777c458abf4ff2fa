"""What scheduling costs: direct ASGI calls, as ratios to the plain endpoint beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from tests.benchmarks.contenders import OURS, environment_of
from tests.benchmarks.environments import UnavailableError, has
from tests.benchmarks.numbers import paired_ratio
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Row, Subject
from tests.benchmarks.workers import Worker, working

MODES = ("immediate", "after_route", "after_response")

COLUMNS = ["BackgroundTasks", "0.1", "floor", *OURS, "floor, unused", "unused"]

Case = tuple[str, int, str]
Times = list[list[float]]

UNIT = "× the plain endpoint, tasks included, direct ASGI calls"


NOTE = (
    "floor: a layer that records no more than a request's times, a dependency that does nothing, "
    "bare asyncio tasks"
)


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Measure every count, kind and mode on each event loop."""
    subject = Subject(UNIT, COLUMNS, notes=[NOTE])
    with ExitStack() as stack:
        for loop in _loops(subject, quick):
            workers = {"ours": stack.enter_context(working(loop=loop))}
            if not quick:
                workers |= _published(subject, stack, loop)
            for kind, count in _groups(quick):
                progress.step(f"{loop}, {count} {kind}")
                rounds = _rounds(kind, count, quick)
                subject.rows |= _group(workers, loop, kind, count, rounds)
    return subject


def _loops(subject: Subject, quick: bool) -> list[str]:
    if quick:
        return ["asyncio"]
    if not has("uvloop"):
        subject.notes.append("uvloop is not installed: pip install uvloop")
        return ["asyncio"]
    return ["asyncio", "uvloop"]


def _published(subject: Subject, stack: ExitStack, loop: str) -> dict[str, Worker]:
    try:
        return {"published": stack.enter_context(working(environment_of("0.1"), loop))}
    except UnavailableError as error:
        subject.notes.append(f"fastapi-tasks 0.1.0 is left out: {error}")
        return {}


def _groups(quick: bool) -> list[tuple[str, int]]:
    if quick:
        return [("async", 0), ("async", 1), ("async", 3), ("def", 1)]
    return [("async", count) for count in (0, 1, 3, 10, 100)] + [
        ("def", count) for count in (1, 3, 10, 100)
    ]


def _rounds(kind: str, count: int, quick: bool) -> int:
    rounds = 400 if kind == "async" and count < 10 else 100
    return rounds // 4 if quick else rounds


def _group(
    workers: dict[str, Worker], loop: str, kind: str, count: int, rounds: int
) -> dict[str, Row]:
    """Measure one count of one kind; the processes take turns, round by round."""
    cases = {name: list(_cases(name, kind, count)) for name in workers}
    for name, worker in workers.items():
        worker.say({"subject": "scheduling", "kind": kind, "cases": cases[name]})
    times: dict[str, Times] = {name: [] for name in workers}
    for number in range(rounds):
        for name, worker in workers.items():
            times[name].append(worker.say(number))
    for worker in workers.values():
        worker.tell(None)
    rows: dict[str, Row] = {}
    for name in workers:
        base, *others = zip(*times[name], strict=True)
        for case, column in zip(cases[name][1:], others, strict=True):
            _enter(rows, loop, kind, case, paired_ratio(column, base))
    return rows


def _cases(worker: str, kind: str, count: int) -> Iterator[Case]:
    """Yield the cases of one process, the plain endpoint first."""
    yield ("plain", 0, "immediate")
    modes = MODES if count else ("immediate",)
    if worker == "published":
        yield from (("0.1", count, mode) for mode in modes)
        return
    yield from ((one, count, mode) for mode in modes for one in OURS)
    yield ("BackgroundTasks", count, modes[-1])
    if kind == "async":
        yield ("floor", count, "immediate")
    if not count:
        yield ("floor, unused", 0, "immediate")
        yield ("unused", 0, "immediate")


def _enter(rows: dict[str, Row], loop: str, kind: str, case: Case, ratio: float) -> None:
    contender, count, mode = case
    name = f"{loop}: {count} {kind}, {mode}" if count else f"{loop}: none"
    rows.setdefault(name, {})[contender] = ratio
