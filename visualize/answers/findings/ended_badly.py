"""Discarded, failed, cancelled, abandoned: how many tasks, and the first of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi_tasks.timeline import SCHEDULED_MODES, Span, TaskRecord, Timeline
from visualize.answers.naming import ended_badly as was_bad
from visualize.answers.naming import named, title_of
from visualize.words import often

from .evidence import Evidence, place_of
from .finding import Cause
from .pricing import Bill, Claim, Suspicion

ADVICE = {
    "error": "its traceback is in the log; `on_error=` is told of each",
    "cancelled": "`task(shield=True)` or a longer `grace_period` lets it finish at a shutdown",
    "discarded": "immediate tasks run all the same, or let the endpoint return its error",
    "abandoned": "find what keeps it from ending when it is cancelled, or raise `shutdown_timeout`",
    "timeout": "find what it waits for, or give it longer",
}
"""What to try, by outcome."""

ELSEWHERE = "catch it there, or schedule it with `Tasks`, which logs it and calls `on_error=`"
"""What to try where a task is not the library's own."""

BEFORE = "schedule them with `Tasks`, where the failure of one ends no other"
ITSELF = "let the endpoint return its error, or schedule it with `Tasks` as immediate"
LEFT_OUT = "return a response without a background of its own, or schedule it with `Tasks`"
REFUSED = "add it in the endpoint, or schedule it with `Tasks` as immediate"
AFTER_ALL = "schedule it with `Tasks` and after_response, which runs it all the same"
"""What to try where one of BackgroundTasks never ran: another failed before it, the endpoint did,
the response that was sent knew nothing of it, what comes before the endpoint failed, or that
response was not sent."""

WORDS = {"error": "failed", "timeout": "ran out of time"}


def ended_badly(evidence: Evidence) -> Iterator[Suspicion]:
    """Report each kind of task that ended in any way but `ok`, by outcome and type of error."""
    for (name, mode), tasks in evidence.kinds.items():
        endings: dict[tuple[str, str | None], list[tuple[Timeline, TaskRecord]]] = {}
        for timeline, task in tasks:
            if was_bad(task):
                why = task.error
                if task.outcome == "discarded":
                    _, why = _discarded(timeline, task)
                endings.setdefault((str(task.outcome), why), []).append((timeline, task))
        for (outcome, error), ended in endings.items():
            yield _suspicion(Cause("task", name, mode), outcome, error, ended, len(tasks))


def _suspicion(
    cause: Cause,
    outcome: str,
    error: str | None,
    ended: Sequence[tuple[Timeline, TaskRecord]],
    n: int,
) -> Suspicion:
    timeline, task = ended[0]
    claims = [
        Claim("run", request, one, one.started, one.finished)
        for request, one in ended
        if one.started is not None and one.finished is not None
    ]

    def say(_: Bill) -> tuple[str, str]:
        what = WORDS.get(outcome, f"was {outcome}")
        fact = f"{cause} {what}{often(len(ended), n)}"
        if outcome == "discarded":
            why, advice = _discarded(timeline, task)
            return f"{fact} because {why}", advice
        why = f" with {named(error)}" if error else ""
        ours = cause.mode in SCHEDULED_MODES
        advice = ADVICE.get(outcome, "look into the log") if ours else ELSEWHERE
        first = ", first" if ended[1:] else ""
        return f"{fact}{why}{first} in {named(timeline.title)}", advice

    return Suspicion("ended_badly", cause, place_of(timeline, task), say, claims)


def _discarded(timeline: Timeline, task: TaskRecord) -> tuple[str, str]:
    """Say why a task was discarded, and what to try."""
    failed = f"{named(timeline.title)} failed with {named(timeline.error or 'an error')}"
    if task.mode in SCHEDULED_MODES:
        return failed, ADVICE["discarded"]
    before = _failed_before(timeline, task)
    if before is not None:
        error = named(before.error or "an error")
        return (
            f"{named(title_of(timeline, before))}, which ran before it, failed with {error}",
            BEFORE,
        )
    if timeline.error is not None:
        return failed, ITSELF
    if timeline.response_sent is None or timeline.aborted:
        return f"the response of {named(timeline.title)} was not sent to its end", AFTER_ALL
    refused = _refused(timeline)
    if refused is not None:
        error = named(refused.error or "an error")
        return f"{named(refused.name)} of {named(timeline.title)} failed with {error}", REFUSED
    return f"the response of {named(timeline.title)} did not run it", LEFT_OUT


def _refused(timeline: Timeline) -> Span | None:
    """Return the dependency, or the validation, whose failure kept the endpoint from being called.

    None where it was called.
    """
    if timeline.endpoint_start is not None:
        return None
    failed = (
        one for one in timeline.spans if one.error and one.kind in ("dependency", "validation")
    )
    return next(failed, None)


def _failed_before(timeline: Timeline, task: TaskRecord) -> TaskRecord | None:
    """Return the one of BackgroundTasks whose failure kept this one from running, if any did."""
    for one in timeline.tasks:
        if one.mode == task.mode and one.outcome == "error" and one.finished is not None:
            return one
    return None
