"""The check of a round finds each fault that it looks for, and none where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fastapi_tasks import Mode, TaskRecord, Timeline

from .check import ROUND_RULES, TASK_RULES, find_faults
from .evidence import Evidence, Line
from .ledger import Entry
from .plan import Call, Endpoint, Plan, Work, draw


def planned(endpoint: Endpoint, **options: object) -> Plan:
    """Return a plan of one request to this endpoint, with one task, `c0.0`."""
    settings: dict[str, object] = {"kind": "coroutine", "mode": "immediate", **options}
    work = Work(name="c0.0", seconds=0, **settings)  # type: ignore[arg-type]
    return Plan(1, "mixed", 0.1, 0.5, 4, (Call(0, endpoint, 0, (work,)),), 0.2, 0)


def wrote(*what: str, since: int = 10, database: bool = True) -> list[Entry]:
    """Return what the task wrote, a nanosecond apart."""
    work = planned("coroutine").works["c0.0"]
    return [
        Entry(since + at, one, "c0.0", database, work.token if one == "started" else 0)
        for at, one in enumerate(what)
    ]


def recorded(outcome: str | None = "ok", **changes: object) -> Timeline:
    """Return a timeline of one task that ran from 10 to 20, as far as not changed."""
    moments = {"released": 5, "started": 10, "finished": 20}
    settings: dict[str, object] = {"name": "c0.0", "mode": "immediate", **moments, **changes}
    record = TaskRecord(requested=5, outcome=outcome, **settings)  # type: ignore[arg-type]
    return Timeline(1, "http", "GET", "/coroutine/0", 0, 0, tasks=[record])


def evidence(
    entries: list[Entry], timeline: Timeline, *log: str, plan: Plan | None = None
) -> Evidence:
    lines = [Line(300_000_000, line) for line in log]
    return Evidence(plan or planned("coroutine"), entries, [timeline], lines)


RAN = wrote("scheduled", "started", "awaits", "ended")
NEVER = {"started": None, "finished": 20}
CANCELLED = "shutdown: cancelled after the grace period: c0.0 (immediate, GET /coroutine/0 #1)"
ABANDONED = "shutdown: abandoned, still running: c0.0 (immediate, GET /coroutine/0 #1)"
DISCARDED = "GET /fails/0 #1 failed, so its tasks are discarded: c0.0 (after_route)"
FAILED = "task c0.0 (immediate, GET /coroutine/0 #1) failed after 1.0 ms"

FUNCTION = planned("coroutine", kind="function")
RAISING = planned("coroutine", error="ValueError", reported="coroutine")
LATER: Mode = "after_route"
FAILING = planned("fails", mode=LATER)
AFTER = planned("coroutine", mode="after_response")

FINE = {
    "ok": evidence(RAN, recorded()),
    "error": evidence(
        wrote("scheduled", "started", "awaits", "raised", "reported"),
        recorded("error", error="ValueError"),
        FAILED,
        plan=RAISING,
    ),
    "cancelled while it ran": evidence(
        wrote("started", "scheduled", "awaits", "cancelled"), recorded("cancelled"), CANCELLED
    ),
    "cancelled while it waited": evidence(
        wrote("scheduled"), recorded("cancelled", **NEVER), CANCELLED
    ),
    "discarded": evidence(
        wrote("scheduled"),
        recorded("discarded", mode=LATER, released=None, **NEVER),
        DISCARDED,
        plan=FAILING,
    ),
    "abandoned": evidence(
        wrote("scheduled", "started", "awaits"), recorded("abandoned", finished=None), ABANDONED
    ),
    "abandoned, and ended later": evidence(
        wrote("scheduled", "started") + wrote("ended", since=400_000_000, database=False),
        recorded("abandoned", finished=None),
        ABANDONED,
        plan=FUNCTION,
    ),
    "after the response": evidence(
        [Entry(9, "answered", "/coroutine/0", True), *RAN],
        recorded(mode="after_response"),
        plan=AFTER,
    ),
    "refused": replace(evidence(wrote("refused"), recorded()), timelines=[]),
}

FAULTS = {
    "c0.0: scheduled, but not recorded": replace(FINE["ok"], timelines=[]),
    "c0.0: started 2 times": evidence(wrote("started", "started", "awaits", "ended"), recorded()),
    "c0.0: reported 2 times": evidence(
        wrote("started", "awaits", "raised", "reported", "reported"),
        recorded("error", error="ValueError"),
        FAILED,
        plan=RAISING,
    ),
    "c0.0: recorded 2 times": replace(FINE["ok"], timelines=[recorded(), recorded()]),
    "c9.9: recorded, but never asked for": evidence([], recorded(name="c9.9")),
    "c0.0: refused, but recorded as abandoned": evidence(
        wrote("refused"), recorded("abandoned", started=None, finished=None), ABANDONED
    ),
    "a function was called without its arguments": evidence(
        [*RAN, Entry(12, "started", "nothing", True)], recorded()
    ),
    "c0.0: started with the token 7": evidence(
        [Entry(11, "started", "c0.0", True, 7), *wrote("awaits", "ended", since=12)], recorded()
    ),
    "c0.0: cancelled, but not named in the log": replace(
        FINE["cancelled while it waited"], log=[]
    ),
    "c0.0: abandoned, but not named in the log": replace(FINE["abandoned"], log=[]),
    "c0.0: discarded, but not named in the log": replace(FINE["discarded"], log=[]),
    "c0.0: ok, but logged as cancelled": evidence(
        wrote("started", "ended"), recorded(), CANCELLED, plan=FUNCTION
    ),
    "c0.0: error, and logged as failed 0 times": replace(FINE["error"], log=[]),
    "c0.0: ok, and logged as failed 1 times": evidence(RAN, recorded(), FAILED),
    "printed: coroutine 'work' was never awaited": replace(
        FINE["ok"], output="fine\ncoroutine 'work' was never awaited\n"
    ),
    "c0.0: has no outcome": evidence(
        wrote("started", "awaits"), recorded(None, finished=None)
    ),
    "c0.0: wrote its start, none is recorded, cancelled": evidence(
        wrote("started", "awaits", "cancelled"), recorded("cancelled", **NEVER), CANCELLED
    ),
    "c0.0: wrote no start, a start is recorded, abandoned": evidence(
        wrote("scheduled"), recorded("abandoned", finished=None), ABANDONED
    ),
    "c0.0: did not write 'ended', but is ok": evidence(wrote("started", "awaits"), recorded()),
    "c0.0: wrote 'ended', but is cancelled": evidence(
        wrote("started", "awaits", "cancelled", "ended"), recorded("cancelled"), CANCELLED
    ),
    "c0.0: wrote 'raised', but is ok": evidence(
        wrote("started", "awaits", "raised"), recorded(), plan=RAISING
    ),
    "c0.0: raised ValueError, but KeyError is recorded": evidence(
        wrote("started", "awaits", "raised"), recorded("error", error="KeyError"), FAILED,
        plan=RAISING,
    ),
    "c0.0: wrote 'ended' before anything was abandoned, but is abandoned": evidence(
        RAN, recorded("abandoned", finished=None), ABANDONED
    ),
    "c0.0: a function that had started is recorded as cancelled": evidence(
        wrote("started"), recorded("cancelled"), CANCELLED, plan=FUNCTION
    ),
    "c0.0: had started and is recorded as cancelled, but saw no cancellation": evidence(
        wrote("started", "awaits"), recorded("cancelled"), CANCELLED
    ),
    "c0.0: immediate of /fails/0, and discarded": evidence(
        [], recorded("discarded", **NEVER), DISCARDED, plan=planned("fails")
    ),
    "c0.0: after_route of /coroutine/0, and discarded": evidence(
        [],
        recorded("discarded", mode=LATER, **NEVER),
        DISCARDED,
        plan=planned("coroutine", mode=LATER),
    ),
    "c0.0: ok, though its endpoint failed": evidence(RAN, recorded(mode=LATER), plan=FAILING),
    "c0.0: after_response, but started before the answer had been sent": evidence(
        [*RAN, Entry(15, "answered", "/coroutine/0", True)],
        recorded(mode="after_response"),
        plan=AFTER,
    ),
    "c0.0: ok, and ended after the database closed": evidence(
        wrote("started", "awaits") + wrote("ended", since=15, database=False), recorded()
    ),
    "c0.0: abandoned, and started after the database closed": evidence(
        wrote("started", database=False), recorded("abandoned", finished=None), ABANDONED
    ),
    "c0.0: its moments are out of order: [5, 30, 10, 20]": evidence(RAN, recorded(released=30)),
    "c0.0: ran before its recorded start": evidence(RAN, recorded(started=12)),
    "c0.0: ended after its recorded finish, ok": evidence(RAN, recorded(finished=12)),
    "c0.0: ok, but its on_error was called": evidence(
        wrote("started", "awaits", "ended", "reported"), recorded(), plan=RAISING
    ),
}  # fmt: skip


@pytest.mark.parametrize("which", FINE)
def test_finds_nothing_where_all_is_as_promised(which: str) -> None:
    assert find_faults(FINE[which]) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_finds_what_is_not(fault: str) -> None:
    assert fault in find_faults(FAULTS[fault])


def test_every_rule_has_a_fault_that_it_finds() -> None:
    for rule in ROUND_RULES:
        assert any(list(rule(found)) for found in FAULTS.values()), rule.__name__
    for task_rule in TASK_RULES:
        assert any(list(task_rule(case)) for found in FAULTS.values() for case in found.cases), (
            task_rule.__name__
        )


@pytest.mark.parametrize("flavour", ["mixed", "backlog"])
def test_a_seed_draws_the_same_round_again(flavour: str) -> None:
    assert draw(7, flavour) == draw(7, flavour)  # type: ignore[arg-type]
    assert draw(7, flavour) != draw(8, flavour)  # type: ignore[arg-type]
