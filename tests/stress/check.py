"""Compare what the tasks wrote down themselves with what was recorded and logged of them.

Each rule is a function that yields one sentence for each fault that it finds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from .evidence import NAME, RUNNING, Case, Evidence

# What nothing should make a server print; a failed endpoint's traceback is no trouble.
TROUBLE = ("never awaited", "never retrieved", "Exception ignored", "Task was destroyed")
# A function may have written its end, and not got on to return, when it is abandoned.
RETURNING = 250_000_000


def find_faults(found: Evidence) -> list[str]:
    """Return a sentence for each thing that is not as promised."""
    faults = [fault for rule in ROUND_RULES for fault in rule(found)]
    for case in found.cases:
        faults += [f"{case.work.name}: {fault}" for rule in TASK_RULES for fault in rule(case)]
    return faults


# Of the whole round.


def nothing_is_lost(found: Evidence) -> Iterator[str]:
    recorded = {task.name for task in found.tasks}
    for entry in found.ledger:
        if entry.what == "scheduled" and entry.name not in recorded:
            yield f"{entry.name}: scheduled, but not recorded"


def nothing_is_doubled(found: Evidence) -> Iterator[str]:
    written = Counter((entry.name, entry.what) for entry in found.ledger)
    for (name, what), times in written.items():
        if times > 1 and (what in RUNNING or what == "reported"):
            yield f"{name}: {what} {times} times"
    for name, times in Counter(task.name for task in found.tasks).items():
        if times > 1:
            yield f"{name}: recorded {times} times"


def nothing_is_invented(found: Evidence) -> Iterator[str]:
    works = found.plan.works
    for task in found.tasks:
        if task.name not in works:
            yield f"{task.name}: recorded, but never asked for"
        elif any(entry.what == "refused" for entry in found.entries[task.name]):
            yield f"{task.name}: refused, but recorded as {task.outcome}"


def arguments_are_those_that_were_given(found: Evidence) -> Iterator[str]:
    works = found.plan.works
    for entry in found.ledger:
        if entry.what == "started" and entry.name not in works:
            yield "a function was called without its arguments"
        elif entry.what == "started" and entry.token != works[entry.name].token:
            yield f"{entry.name}: started with the token {entry.token}"


def what_was_ended_is_named(found: Evidence) -> Iterator[str]:
    words = {"cancelled": "shutdown:", "abandoned": "shutdown:", "discarded": "discarded"}
    for outcome, word in words.items():
        named = found.named(word)
        for task in found.tasks:
            if task.outcome == outcome and task.name not in named:
                yield f"{task.name}: {outcome}, but not named in the log"


def what_started_in_a_thread_is_not_called_cancelled(found: Evidence) -> Iterator[str]:
    # Another line says "cancelled error handlers", of tasks that have ended.
    named = found.named("shutdown: cancelled after") | found.named("shutdown: cancelled, as")
    for case in found.cases:
        if case.work.kind == "function" and case.wrote("started") and case.work.name in named:
            yield f"{case.work.name}: {case.record.outcome}, but logged as cancelled"


def each_failure_is_logged_once(found: Evidence) -> Iterator[str]:
    lines = (line.text for line in found.log if re.match(r"task \S+ .*failed after", line.text))
    failed = Counter(name for line in lines for name in NAME.findall(line))
    for task in found.tasks:
        if failed[task.name] != (task.outcome == "error"):
            yield f"{task.name}: {task.outcome}, and logged as failed {failed[task.name]} times"


def nothing_upsets_the_server(found: Evidence) -> Iterator[str]:
    for line in found.output.splitlines():
        if any(sign in line for sign in TROUBLE):
            yield f"printed: {line}"


# Of one task.


def it_has_an_outcome(case: Case) -> Iterator[str]:
    if case.record.outcome is None:
        yield "has no outcome"


def its_start_is_recorded_if_it_started(case: Case) -> Iterator[str]:
    recorded = case.record.started is not None
    if recorded != case.wrote("started"):
        wrote = "wrote its start" if case.wrote("started") else "wrote no start"
        yield f"{wrote}, {'a start' if recorded else 'none'} is recorded, {case.record.outcome}"


def it_is_ok_if_it_came_to_its_end(case: Case) -> Iterator[str]:
    outcome = case.record.outcome
    for what, right in (("ended", "ok"), ("raised", "error")):
        if outcome == "abandoned":
            yield from _abandoned_in_time(case, what)
        elif case.wrote(what) != (outcome == right):
            yield f"{'wrote' if case.wrote(what) else 'did not write'} {what!r}, but is {outcome}"
    if outcome == "error" and case.record.error != case.work.error:
        yield f"raised {case.work.error or 'nothing'}, but {case.record.error} is recorded"


def _abandoned_in_time(case: Case, what: str) -> Iterator[str]:
    at = case.when(what)
    if at is not None and (case.abandoned_at is None or at < case.abandoned_at - RETURNING):
        yield f"wrote {what!r} before anything was abandoned, but is abandoned"


def it_saw_that_it_was_cancelled(case: Case) -> Iterator[str]:
    if case.record.outcome != "cancelled" or not case.wrote("started"):
        return
    if case.work.kind == "function":
        yield "a function that had started is recorded as cancelled"
    elif case.wrote("awaits") and not case.wrote("cancelled"):
        yield "had started and is recorded as cancelled, but saw no cancellation"


def it_is_discarded_if_its_endpoint_failed(case: Case) -> Iterator[str]:
    fails = case.call.endpoint in ("fails", "refuses")
    waits = case.work.mode != "immediate"
    if case.record.outcome == "discarded":
        # A socket's endpoint fails where a shutdown of the server closes the connection.
        if not waits or not (fails or case.call.endpoint == "socket"):
            yield f"{case.work.mode} of {case.call.path}, and discarded"
    elif fails and waits and case.work in case.call.works and case.wrote("started"):
        yield f"{case.record.outcome}, though its endpoint failed"


def it_waits_for_the_answer(case: Case) -> Iterator[str]:
    started = case.when("started")
    if case.work.mode != "after_response" or started is None or case.answered is None:
        return
    if started < case.answered:
        yield "after_response, but started before the answer had been sent"


def it_does_nothing_with_a_closed_database(case: Case) -> Iterator[str]:
    for entry in case.running:
        started = entry.what == "started"
        if not entry.database and (started or case.record.outcome != "abandoned"):
            yield f"{case.record.outcome}, and {entry.what} after the database closed"


def its_moments_are_in_order(case: Case) -> Iterator[str]:
    record = case.record
    moments = [record.requested, record.released, record.started, record.finished]
    known = [moment for moment in moments if moment is not None]
    if known != sorted(known):
        yield f"its moments are out of order: {moments}"
    if not case.running:
        return
    first, last = case.running[0], case.running[-1]
    if record.started is not None and first.at < record.started:
        yield "ran before its recorded start"
    if record.finished is not None and last.at > record.finished:
        yield f"{last.what} after its recorded finish, {record.outcome}"


def its_error_is_reported(case: Case) -> Iterator[str]:
    failed = case.record.outcome == "error" and case.work.reported is not None
    if case.wrote("reported") and not failed:
        yield f"{case.record.outcome}, but its on_error was called"


ROUND_RULES: list[Callable[[Evidence], Iterator[str]]] = [
    nothing_is_lost,
    nothing_is_doubled,
    nothing_is_invented,
    arguments_are_those_that_were_given,
    what_was_ended_is_named,
    what_started_in_a_thread_is_not_called_cancelled,
    each_failure_is_logged_once,
    nothing_upsets_the_server,
]
TASK_RULES: list[Callable[[Case], Iterator[str]]] = [
    it_has_an_outcome,
    its_start_is_recorded_if_it_started,
    it_is_ok_if_it_came_to_its_end,
    it_saw_that_it_was_cancelled,
    it_is_discarded_if_its_endpoint_failed,
    it_waits_for_the_answer,
    it_does_nothing_with_a_closed_database,
    its_moments_are_in_order,
    its_error_is_reported,
]
