"""Recordings as two runs of one app give them: the same work, another day's machine."""

from __future__ import annotations

import random
from dataclasses import dataclass

from fastapi_tasks import Busy, Outcome, TaskRecord, Timeline
from tests.samples import MS, WALL


@dataclass(frozen=True)
class Shop:
    """What the app does, in milliseconds: its cause for trouble, if any, and what it slows."""

    search: float = 12.0
    mail: float = 40.0
    hold: float = 0.0
    failing: float = 0.0


ROUTES = {"GET /items": 3.0, "GET /search": 0.0, "POST /orders": 8.0, "GET /health": 0.4}


def run(seed: int, shop: Shop = Shop(), requests: int = 600) -> list[Timeline]:
    """Make up a run of one process, in which delays come in bursts and the machine has its moods.

    `seed` decides how busy the machine is, for the whole run and from moment to moment.
    """
    rng = random.Random(seed)
    mood = rng.uniform(0, 0.8)
    load = 0.0
    at = 0.0
    held_until = 0.0
    timelines = []
    for number in range(1, requests + 1):
        at += rng.expovariate(1 / 3)
        load = 0.9 * load + 0.1 * rng.expovariate(1 / (1 + mood))
        late = max(held_until - at, 0)

        def delay(load: float = load) -> float:
            return rng.expovariate(1 / (0.2 + load))

        name = rng.choice(list(ROUTES))
        takes = (ROUTES[name] or shop.search) * rng.uniform(0.95, 1.1) + mood / 3
        sent = at + late + takes + delay()
        timeline = _request(number, name, at, sent)
        if name == "POST /orders":
            wait = max(held_until - sent, 0) + delay() / 4
            ran = shop.mail * rng.uniform(0.98, 1.05) + delay()
            bad = rng.random() < shop.failing
            timeline.tasks.append(_task("send_mail", sent, wait, ran, bad))
            if rng.random() < 0.3:
                started = sent + delay() / 4
                held = shop.hold or 0.5
                timeline.tasks.append(_task("resize", sent, started - sent, held))
                if shop.hold:
                    busy = Busy(_ns(started), _ns(started + held), "resize", timeline.tasks[-1].id)
                    timeline.busy.append(busy)
                    held_until = started + held
        timelines.append(timeline)
    return timelines


def _request(number: int, name: str, at: float, sent: float) -> Timeline:
    method, path = name.split()
    return Timeline(
        number, "http", method, path, WALL + _ns(at), _ns(at), route=path, process=1,
        endpoint_start=_ns(at), endpoint_end=_ns(sent), response_start=_ns(sent),
        response_sent=_ns(sent), request_end=_ns(sent), status=200,
    )  # fmt: skip


def _task(name: str, released: float, wait: float, ran: float, bad: bool = False) -> TaskRecord:
    started, finished = released + wait, released + wait + ran
    outcome: Outcome = "error" if bad else "ok"
    return TaskRecord(
        name, "after_response", _ns(released), _ns(released), _ns(started), _ns(finished), outcome,
        id=0 if name == "send_mail" else 1,
    )  # fmt: skip


def _ns(milliseconds: float) -> int:
    return round(milliseconds * MS)
