"""Under load: the contenders on uvicorn, a client process on eight connections."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from tests.benchmarks.contenders import CONTENDERS
from tests.benchmarks.numbers import paired_ratio, percentile
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from tests.benchmarks.sites import Client, open_sites
from tests.benchmarks.workers import working

CONNECTIONS = 8
REQUESTS = 240
ROUNDS = 40

UNIT = "3 async tasks a request after the response, uvicorn, 8 connections, one client process"


@dataclass
class Visits:
    """What one contender's server did, round by round."""

    seconds: list[float] = field(default_factory=list)
    nanoseconds: list[int] = field(default_factory=list)


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Measure every contender as it is, then with 1,000 tasks in flight."""
    subject = Subject(UNIT, CONTENDERS)
    contenders = ["plain", "on"] if quick else CONTENDERS
    rounds = ROUNDS // 4 if quick else ROUNDS
    with ExitStack() as stack:
        ports = open_sites(stack, contenders, subject)
        client = Client(stack.enter_context(working()))
        _rounds(client, ports, 2)
        progress.step("nothing else in flight")
        _enter(subject, "alone", _rounds(client, ports, rounds))
        # Starlette runs the tasks of a response one after another: no 1,000 at a time.
        ports.pop("BackgroundTasks", None)
        for port in ports.values():
            client.visit(port, "/hold")
        progress.step("1,000 tasks in flight")
        _enter(subject, "1,000 in flight", _rounds(client, ports, rounds))
    return subject


def _rounds(client: Client, ports: dict[str, int], rounds: int) -> dict[str, Visits]:
    visits = {name: Visits() for name in ports}
    for number in range(rounds):
        names = list(ports) if number % 2 else list(reversed(ports))
        for name in names:
            seconds, nanoseconds = client.visit(
                ports[name],
                "/orders?cart_id=3",
                method="POST",
                requests=REQUESTS,
                connections=CONNECTIONS,
            )
            visits[name].seconds.append(seconds)
            visits[name].nanoseconds += nanoseconds
    return visits


def _enter(subject: Subject, when: str, visits: dict[str, Visits]) -> None:
    base = visits["plain"].seconds
    for name, one in visits.items():
        numbers = {
            "requests/s": round(REQUESTS / median(one.seconds)),
            "seconds, × plain": paired_ratio(one.seconds, base),
            "p50, ms": round(percentile(one.nanoseconds, 50) / 1e6, 2),
            "p99, ms": round(percentile(one.nanoseconds, 99) / 1e6, 2),
        }
        for what, value in numbers.items():
            subject.rows.setdefault(f"{when}: {what}", {})[name] = value
