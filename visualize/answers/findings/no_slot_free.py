"""No slot was free: tasks waited for one that their limit gives."""

from __future__ import annotations

from collections.abc import Iterator

from visualize.words import duration, often

from .evidence import Evidence, place_of
from .finding import Cause
from .pricing import Bill, Claim, Suspicion

LATE = 20_000_000
"""Nanoseconds. A shorter wait for a slot is not looked at, as no shorter hold of the loop is."""


def no_slot_free(evidence: Evidence) -> Iterator[Suspicion]:
    """Report each kind of task that waited for a slot of its limit.

    Who had the slots meanwhile, the recording does not say: several kinds may share a limit.
    """
    for (name, mode), tasks in evidence.kinds.items():
        late = [(timeline, task) for timeline, task in tasks if (task.queued or 0) >= LATE]
        if late:
            claims = [
                Claim("wait", timeline, task, task.released or 0, task.admitted or 0)
                for timeline, task in late
            ]
            longest = max(late, key=lambda one: one[1].queued or 0)
            yield Suspicion(
                "no_slot_free",
                Cause("task", name, mode),
                place_of(*longest),
                _Words(Cause("task", name, mode), longest[1].queued or 0, len(tasks)),
                claims,
                least=LATE,
            )


class _Words:
    """What is said of one kind of task."""

    def __init__(self, cause: Cause, longest: int, of: int) -> None:
        self._cause = cause
        self._longest = longest
        self._of = of

    def __call__(self, bill: Bill) -> tuple[str, str]:
        fact = (
            f"{self._cause} waited for a slot of its limit{often(bill.starts, self._of)}, "
            f"{duration(bill.cost)} altogether, {duration(self._longest)} at most"
        )
        advice = (
            "give it a higher `limit=` if what the limit protects can bear that, a shorter run, or "
            "a queue of its own"
        )
        return fact, advice
