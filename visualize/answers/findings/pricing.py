"""What each suspicion costs, when no nanosecond of anybody's time is counted twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from fastapi_tasks.timeline import TaskRecord, Timeline
from visualize.answers.naming import title_of
from visualize.words import count, duration

from .evidence import Evidence, place_of
from .finding import Cause, Finding, Place, Rule, Victim
from .intervals import Interval, add

Part = Literal["response", "wait", "run"]
"""Whose time: a request's until its response was sent, a task's until its start, or from there."""


class Claim(NamedTuple):
    """Time that somebody may have lost to a cause."""

    part: Part
    timeline: Timeline
    task: TaskRecord | None
    start: int
    end: int


class Bill(NamedTuple):
    """What is left of a suspicion's claims: nanoseconds, and whose they are, by what was late."""

    cost: int
    responses: int
    starts: int

    def __str__(self) -> str:
        late = [count(self.responses, "response")] * bool(self.responses)
        late += [count(self.starts, "task")] * bool(self.starts)
        if not late:
            return "no recorded request or task waited for it"
        came = f"{' and '.join(late)} came late"
        several = self.responses + self.starts > 1
        return f"{came} by {duration(self.cost)}{' altogether' * several}"


@dataclass(slots=True)
class Suspicion:
    """A cause and what it may have cost. `say` makes fact and advice of what it really did.

    It becomes a finding if it cost `least` nanoseconds; with 0, whatever it cost.
    """

    rule: Rule
    cause: Cause
    where: Place
    say: Callable[[Bill], tuple[str, str]]
    claims: list[Claim] = field(default_factory=list)
    least: int = 0


Key = tuple[int, int, Part]
"""Whose time it is: the identity of a request and of a task, and which part."""

Taken = dict[Key, list[Interval]]
"""The time that has been given to a cause."""


def priced(suspicions: Iterable[Suspicion], evidence: Evidence) -> Iterator[Finding]:
    """Turn suspicions into findings. Of time that several claim, the first one is the cause."""
    taken: Taken = {}
    for suspicion in suspicions:
        mine: Taken = {}
        lost: dict[Key, int] = {}
        whose: dict[Key, Claim] = {}
        for claim in suspicion.claims:
            key = (id(claim.timeline), id(claim.task), claim.part)
            if key not in mine:
                mine[key] = taken[key][:] if key in taken else []
            if free := add(mine[key], *_clipped(claim, evidence)):
                lost[key] = lost.get(key, 0) + free
                whose[key] = claim
        cost = sum(lost.values())
        if cost >= suspicion.least:
            taken.update(mine)
            yield _finding(suspicion, cost, [(whose[key], ns) for key, ns in lost.items()])


def _clipped(claim: Claim, evidence: Evidence) -> Interval:
    first, last = _limits(claim, evidence)
    return max(claim.start, first), min(claim.end, last)


def _limits(claim: Claim, evidence: Evidence) -> tuple[int, int]:
    """All the time that there was to lose."""
    timeline, task = claim.timeline, claim.task
    if task is None:
        return timeline.request_start, evidence.end_of(timeline, timeline.response_sent)
    begun = task.started if claim.part == "run" else task.released
    if begun is None:
        return 0, 0
    over = task.finished
    if claim.part == "wait" and task.started is not None:
        over = task.started
    return begun, evidence.end_of(timeline, over)


def _finding(suspicion: Suspicion, cost: int, lost: Sequence[tuple[Claim, int]]) -> Finding:
    victims: dict[Place, Victim] = {}
    for claim, ns in lost:
        place = place_of(claim.timeline, claim.task)
        before = victims[place].lost if place in victims else 0
        victims[place] = Victim(place, title_of(claim.timeline, claim.task), before + ns)
    worst = tuple(sorted(victims.values(), key=lambda victim: -victim.lost))
    parts = [claim.part for claim, _ in lost]
    fact, advice = suspicion.say(Bill(cost, parts.count("response"), parts.count("wait")))
    return Finding(suspicion.rule, cost, suspicion.cause, worst, suspicion.where, fact, advice)
