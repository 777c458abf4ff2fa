"""A first step before the answer: a task held the loop between endpoint end and response sent."""

from __future__ import annotations

from collections.abc import Iterator

from visualize.words import count, duration

from .evidence import Evidence, place_of
from .finding import Cause, Place
from .pricing import Bill, Claim, Suspicion

NOTICED = 20_000_000
"""Nanoseconds that an answer must have lost; the recording has no shorter steps."""

SLACK = 1_000_000
"""Nanoseconds. The start of a task is stamped a little after its step has begun."""


def step_before_answer(evidence: Evidence) -> Iterator[Suspicion]:
    """Suspect immediate and after_route tasks whose first step came before their own response."""
    found: dict[tuple[str, str], Suspicion] = {}
    for loop in evidence.loops.values():
        for hold in loop.holds:
            timeline, task = hold.timeline, hold.task
            if timeline is None or task is None or task.mode not in ("immediate", "after_route"):
                continue
            ended, sent, started = timeline.endpoint_end, timeline.response_sent, task.started
            if ended is None or sent is None or started is None:
                continue
            start, end = max(hold.start, ended), min(hold.end, sent)
            if start < end and hold.start - SLACK <= started <= hold.end:
                cause = Cause("task", task.name, task.mode, hold.line)
                key = (task.name, task.mode)
                if key not in found:
                    found[key] = _suspicion(cause, place_of(timeline, task))
                found[key].claims.append(Claim("response", timeline, None, start, end))
    yield from found.values()


def _suspicion(cause: Cause, where: Place) -> Suspicion:
    def say(bill: Bill) -> tuple[str, str]:
        fact = (
            f"The first step of {cause} came before the answer: it kept "
            f"{count(bill.responses, 'response')} for {duration(bill.cost)}"
            + " altogether"
            * (bill.responses > 1)
        )
        return fact, "write `def`, which runs in a thread, or schedule it with after_response"

    return Suspicion("step_before_answer", cause, where, say, least=NOTICED)
