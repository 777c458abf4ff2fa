"""A middleware kept the answer: it passed its beginning on long after it could have had it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from fastapi_tasks.timeline import Span, Timeline
from visualize.answers.naming import route_of
from visualize.words import count, duration

from .evidence import Evidence, place_of
from .finding import Cause
from .intervals import Interval
from .lag import Lag, starts
from .pricing import Bill, Claim, Suspicion

KEPT = 10_000_000
"""Nanoseconds that an answer must have been kept: to pass a few layers takes less."""

NOTICED = 20_000_000
"""Nanoseconds that all answers must have lost altogether."""

ALONE = 30_000_000
"""Nanoseconds that one must have been kept where it is the only one of its route: a machine that is
busy puts a process aside for less."""

HABIT = 0.2
"""The share of a route's answers that a middleware must have kept."""

TURNS = 2
"""An answer that passes a middleware may need so many turns on the event loop; where it took no
longer than so many turns took others meanwhile, the loop was crowded."""

INSIDE = ("endpoint", "close", "dependency", "validation", "serialization", "sending")
"""The kinds of span that an answer must wait for, whatever stands around them."""


def answer_kept(evidence: Evidence) -> Iterator[Suspicion]:
    """Suspect the middlewares that stood between, where answers were kept for long.

    Once may be chance: it is a habit of it, for answers of one route, or it was very long.
    """
    crowding = _Crowding(evidence)
    answers: Counter[str] = Counter()
    found: dict[tuple[str, str], list[Claim]] = defaultdict(list)
    for timeline in evidence.timelines:
        begun = timeline.response_start
        inside = _inside(timeline)
        if begun is None or inside is None:
            continue
        answers[route_of(timeline)] += 1
        for names, start, end in _kept(timeline, inside, begun):
            if crowding.is_none(timeline, names, start, end):
                claim = Claim("response", timeline, None, start, end)
                found[names, route_of(timeline)].append(claim)
    kept: dict[str, list[Claim]] = defaultdict(list)
    for (names, route), claims in found.items():
        least = ALONE if len(claims) == 1 else 0
        if len(claims) >= HABIT * answers[route] and claims[0].end - claims[0].start >= least:
            kept[names] += claims
    for names, claims in kept.items():
        yield _suspicion(names, claims)


class _Crowding:
    """Tells where an answer was late as everybody was, on a loop with too much to do."""

    def __init__(self, evidence: Evidence) -> None:
        self._loops = evidence.loops
        ways: dict[tuple[int, str], list[Interval]] = defaultdict(list)
        of: dict[int, list[Timeline]] = defaultdict(list)
        for timeline in evidence.timelines:
            of[timeline.process].append(timeline)
            for name, way in _ways_in(timeline):
                ways[timeline.process, name].append(way)
        self._starts = {process: Lag(starts(timelines)) for process, timelines in of.items()}
        self._ways = {key: Lag(_over_usual(intervals)) for key, intervals in ways.items()}

    def is_none(self, timeline: Timeline, names: str, start: int, end: int) -> bool:
        """Tell whether the loop had turns to give from `start` to `end`."""
        held = 0
        loop = self._loops.get(timeline.process)
        for hold, first, last in loop.over(start, end) if loop else ():
            if hold.timeline is not timeline or hold.task is not None:
                held += last - first
        kept = end - start - held
        lags = [self._starts[timeline.process].during(start, end)]
        if (ways := self._ways.get((timeline.process, names))) is not None:
            # Its own way in was the same way, a moment earlier.
            own = ways.during(timeline.request_start, timeline.endpoint_start or start)
            lags.append(max(own or 0, ways.during(start, end) or 0))
        known = [lag for lag in lags if lag is not None]
        # Where much of it was held, shorter steps that nobody recorded held the rest.
        return kept >= max(KEPT, held, TURNS * min(known, default=0))


def _ways_in(timeline: Timeline) -> Iterator[tuple[str, Interval]]:
    """Yield how long each middleware took until what is inside of it began."""
    begun: dict[int, int] = {}
    for span in timeline.spans:
        if span.parent is not None and span.parent not in begun:
            begun[span.parent] = span.start
    for span in timeline.spans:
        if span.kind == "middleware" and span.id in begun:
            yield span.name, (span.start, begun[span.id])


def _over_usual(ways: list[Interval]) -> Iterator[Interval]:
    """Leave out what a middleware does on every way in, so that only the lag is left."""
    usual = sorted(end - start for start, end in ways)[len(ways) // 4]
    return ((start + usual, end) for start, end in ways if end - start > usual)


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
