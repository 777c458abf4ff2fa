"""A middleware kept the answer: it passed its beginning on long after it could have had it."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_tasks.timeline import Span, Timeline
from visualize.words import count, duration

from .evidence import Evidence, place_of
from .finding import Cause
from .pricing import Bill, Claim, Suspicion

KEPT = 10_000_000
"""Nanoseconds that an answer must have been kept: to pass a few layers takes less."""

NOTICED = 20_000_000
"""Nanoseconds that all answers must have lost altogether."""

INSIDE = ("endpoint", "close", "dependency", "validation", "serialization")
"""The kinds of span that an answer must wait for, whatever stands around them."""


def answer_kept(evidence: Evidence) -> Iterator[Suspicion]:
    """Suspect the middlewares that stood between, where an answer was kept for long."""
    found: dict[str, list[Claim]] = {}
    for timeline in evidence.timelines:
        begun = timeline.response_start
        inside = _inside(timeline)
        if begun is None or inside is None or begun - inside < KEPT:
            continue
        for names, start, end in _kept(timeline, inside, begun):
            found.setdefault(names, []).append(Claim("response", timeline, None, start, end))
    for names, claims in found.items():
        yield _suspicion(names, claims)


def _inside(timeline: Timeline) -> int | None:
    """When all that an answer must wait for inside was over, None where that is not known."""
    begun = timeline.response_start
    if begun is None:
        return None
    ends = [timeline.endpoint_end] if timeline.endpoint_end is not None else []
    for span in timeline.spans:
        if span.task is None and span.kind in INSIDE and span.start < begun:
            ends.append(begun if span.end is None else min(span.end, begun))
    return max(ends, default=None)


def _kept(timeline: Timeline, inside: int, begun: int) -> Iterator[tuple[str, int, int]]:
    """Yield who kept the answer from when to when: several names where nobody knows which."""
    between = [span for span in timeline.spans if _stood(span, inside, begun)]
    if not between:
        return
    if any(span.answered is None for span in between):
        yield " or ".join(dict.fromkeys(span.name for span in between)), inside, begun
        return
    since = inside
    # From the inside out: each had the answer when the one inside of it passed it on.
    for span in sorted(between, key=lambda one: (one.answered or 0, -one.start)):
        passed = span.answered or 0
        if passed - since >= KEPT:
            yield span.name, since, passed
        since = max(since, passed)


def _stood(span: Span, inside: int, begun: int) -> bool:
    over = span.end is None or span.end >= begun
    return span.kind == "middleware" and span.task is None and span.start <= inside and over


def _suspicion(names: str, claims: list[Claim]) -> Suspicion:
    cause = Cause("middleware", names)

    def say(bill: Bill) -> tuple[str, str]:
        kept = f"{count(bill.responses, 'answer')} for {duration(bill.cost)}"
        fact = f"{cause} kept {kept}" + " altogether" * (bill.responses > 1)
        return fact, "let it pass on what it gets, or do its work after the response"

    where = place_of(claims[0].timeline)
    return Suspicion("answer_kept", cause, where, say, claims, least=NOTICED)
