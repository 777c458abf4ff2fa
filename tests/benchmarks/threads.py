"""How long a `def` endpoint takes while 200 `def` tasks of 250 ms run."""

from __future__ import annotations

from contextlib import ExitStack

from tests.benchmarks.contenders import CONTENDERS
from tests.benchmarks.numbers import percentile
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from tests.benchmarks.sites import Client, open_sites
from tests.benchmarks.workers import working

TASKS = 200
PROBES = 50
EVERY = 0.02

UNIT = "milliseconds, a request every 20 ms, uvicorn; for the plain app no task runs"


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Flood each contender with slow tasks, and probe it until they are through."""
    subject = Subject(UNIT, CONTENDERS)
    for name in ["plain", "on"] if quick else CONTENDERS:
        progress.step(name)
        with ExitStack() as stack:
            ports = open_sites(stack, [name], subject)
            client = Client(stack.enter_context(working()))
            for port in ports.values():
                _enter(subject, name, _flood(client, port, rounds=1 if quick else 3))
    return subject


def _flood(client: Client, port: int, rounds: int) -> list[int]:
    client.visit(port, "/def", requests=20)
    taken: list[int] = []
    for _ in range(rounds):
        client.visit(port, "/slow", requests=TASKS, connections=20)
        taken += client.visit(port, "/def", requests=PROBES, every=EVERY)[1]
        # With 40 threads the tasks take 1.25 s; what is left of them would meet the next round.
        client.visit(port, "/def", requests=2, every=0.5)
    return taken


def _enter(subject: Subject, name: str, taken: list[int]) -> None:
    for percent in (50, 99):
        value = round(percentile(taken, percent) / 1e6, 2)
        subject.rows.setdefault(f"def endpoint, p{percent}", {})[name] = value
