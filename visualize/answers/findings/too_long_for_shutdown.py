"""Would not survive a shutdown: unshielded tasks that run for longer than the grace period."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_tasks.timeline import SCHEDULED_MODES
from visualize.answers.summary import rank
from visualize.words import duration

from .evidence import Evidence, place_of
from .finding import Cause, Place
from .pricing import Bill, Suspicion


def too_long_for_shutdown(evidence: Evidence) -> Iterator[Suspicion]:
    """Suspect each kind of task whose p95 run is longer than a shutdown waits for it.

    A task on the event loop is cancelled after the grace period; one in its thread cannot be, and
    is waited for until the whole time of the shutdown has passed. It has cost nothing yet. What
    still runs has run for as long as the recording knows.
    """
    for (name, mode), tasks in evidence.kinds.items():
        # Most tasks are short, and there may be a million: of each, only a number is kept.
        runs: list[int] = []
        longest, where = -1, None
        for timeline, task in tasks if mode in SCHEDULED_MODES else ():
            if task.started is None or task.shield:
                continue
            run = evidence.end_of(timeline, task.finished) - task.started
            runs.append(run)
            if where is None or run >= longest:
                longest, where = run, (timeline, task)
        if where is None:
            continue
        thread = where[1].thread
        limit = evidence.shutdown if thread else evidence.grace
        runs.sort()
        p95 = runs[rank(95, len(runs))]
        if p95 > limit:
            place = place_of(*where)
            yield _suspicion(Cause("task", name, mode), place, len(runs), p95, limit, thread)


def _suspicion(cause: Cause, place: Place, n: int, p95: int, limit: int, thread: bool) -> Suspicion:
    def say(_: Bill) -> tuple[str, str]:
        fact = (
            f"{cause} runs for {duration(p95)} at p95 (n {n:,}), and a shutdown gives it "
            f"{duration(limit)}: it would be {'abandoned' if thread else 'cancelled'}"
        )
        if thread:
            return (
                fact,
                "cut it into shorter tasks, hand it to a queue, or raise `shutdown_timeout`",
            )
        return fact, "use `task(shield=True)`, raise `grace_period`, or hand it to a queue"

    return Suspicion("too_long_for_shutdown", cause, place, say)
