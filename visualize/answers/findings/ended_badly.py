"""Discarded, failed, cancelled, abandoned: how many tasks, and the first of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi_tasks import harmless
from fastapi_tasks.timeline import SCHEDULED_MODES, TaskRecord, Timeline
from visualize.answers.naming import title_of
from visualize.words import count

from .evidence import Evidence, place_of
from .finding import Cause
from .pricing import Bill, Claim, Suspicion

ADVICE = {
    "error": "its traceback is in the log; on_error= is told of each",
    "cancelled": "task(shield=True) or a longer grace_period lets it finish at a shutdown",
    "discarded": "immediate tasks run all the same, or let the endpoint return its error",
    "abandoned": "find what keeps it from ending when it is cancelled, or raise shutdown_timeout",
    "timeout": "find what it waits for, or give it longer",
}
"""What to try, by outcome."""

ELSEWHERE = "catch it there, or schedule it with Tasks, which logs it and calls on_error="
"""What to try where a task is not the library's own."""

WORDS = {"error": "failed", "timeout": "ran out of time"}


def ended_badly(evidence: Evidence) -> Iterator[Suspicion]:
    """Report each kind of task that ended in any way but `ok`, by outcome and type of error."""
    for (name, mode), tasks in evidence.kinds.items():
        endings: dict[tuple[str, str | None], list[tuple[Timeline, TaskRecord]]] = {}
        for timeline, task in tasks:
            if task.outcome not in (None, "ok") and not _meant(task):
                endings.setdefault((str(task.outcome), task.error), []).append((timeline, task))
        for (outcome, error), ended in endings.items():
            yield _suspicion(Cause("task", name, mode), outcome, error, ended, len(tasks))


def _meant(task: TaskRecord) -> bool:
    """Tell whether user code ended it so itself, as a task group does with its children."""
    return task.mode == "spawned" and task.outcome == "cancelled"


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
        why = f" with {harmless(error)}" if error else ""
        if outcome == "discarded":
            why = f" because {timeline.title} failed with {harmless(timeline.error or 'an error')}"
        what = WORDS.get(outcome, f"was {outcome}")
        often = f"{count(len(ended), 'time')} of {n:,}"
        first = "" if outcome == "discarded" else f", first {title_of(timeline, task)}"
        ours = cause.mode in SCHEDULED_MODES
        advice = ADVICE.get(outcome, "look into the log") if ours else ELSEWHERE
        return f"{cause} {what} {often}{why}{first}", advice

    return Suspicion("ended_badly", cause, place_of(timeline, task), say, claims)
