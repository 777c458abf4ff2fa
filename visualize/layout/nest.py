"""The spans of a request as branches, nested; where there are many, equal ones are folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fastapi_tasks.nesting import in_order, parents
from fastapi_tasks.timeline import Span, Timeline
from visualize.words import count, span_words

from .lanes import Extent

FEW = 24
"""Up to so many spans of a request are drawn one by one; beyond, equal ones become one branch."""
MOST = 24
"""So many branches are drawn, those that took longest; the others are drawn as one, and counted."""


class Piece(NamedTuple):
    """A stretch of time in nanoseconds, as `Bar` has one; `error` is the first that left it."""

    start: int
    end: int
    open: bool = False
    backwards: bool = False
    error: str | None = None


class Branch(NamedTuple):
    """One span, or several that are drawn as one, in pieces that do not touch.

    `task` is the position of the task that made it, None where the request itself did. `span` is
    the position of the first one, `times` how many of one name there are.
    """

    task: int | None
    depth: int
    label: str
    times: int
    span: int
    pieces: tuple[Piece, ...]

    @property
    def extent(self) -> Extent:
        return self.pieces[0].start, self.pieces[-1].end


class _Twig:
    """A branch while it is being grown: its spans, by their positions."""

    def __init__(self, task: int | None, parent: _Twig | None) -> None:
        self.task = task
        self.parent = parent
        self.spans: list[int] = []
        self.pieces: tuple[Piece, ...] = ()


def branches(timeline: Timeline, now: int, *, fold: bool = True) -> list[Branch]:
    """Return the spans of a timeline as branches, each followed by what is inside of it.

    Those of the request come first, then those of its tasks, in their order. `now` is where a span
    without an end is drawn to, on the timeline's clock. `fold` draws many spans as few branches:
    those of one kind and name that are inside of one thing are one branch, and beyond `MOST`, the
    shortest are one as well, whose label says how many they are.
    """
    fold = fold and len(timeline.spans) > FEW
    twigs = _grown(timeline, now, fold)
    kept, rest = _pruned(twigs) if fold else (twigs, [])
    return [*_listed(timeline, kept), *_rest(timeline, rest, now)]


def _grown(timeline: Timeline, now: int, fold: bool) -> list[_Twig]:
    """One twig a span, or for equal ones in one place; parents first."""
    owners = {task.id: place for place, task in enumerate(timeline.tasks)}
    inside = parents(timeline.spans)
    twigs: dict[object, _Twig] = {}
    of: dict[int, _Twig] = {}
    for place, _ in in_order(timeline.spans):
        span = timeline.spans[place]
        parent = inside[place]
        above = None if parent is None else of[parent]
        task = None if span.task is None else owners.get(span.task)
        where = (task if above is None else id(above), above is None)
        key = (where, span.kind, span.name) if fold else place
        of[place] = twigs.setdefault(key, _Twig(task, above))
        of[place].spans.append(place)
    for twig in twigs.values():
        twig.pieces = pieces((timeline.spans[place] for place in twig.spans), now)
    return list(twigs.values())


def pieces(spans: Iterable[Span], now: int) -> tuple[Piece, ...]:
    """Return when any of these spans lasted, as pieces that do not touch."""
    joined: list[Piece] = []
    for one in sorted((_piece(span, now) for span in spans), key=lambda piece: piece[:2]):
        if joined and one.start <= joined[-1].end:
            last = joined[-1]
            joined[-1] = Piece(
                last.start, max(last.end, one.end), last.open or one.open,
                last.backwards or one.backwards, last.error or one.error,
            )  # fmt: skip
        else:
            joined.append(one)
    return tuple(joined)


def _piece(span: Span, now: int) -> Piece:
    end = max(span.start, now) if span.end is None else span.end
    first, last = sorted((span.start, end))
    return Piece(first, last, span.end is None, end < span.start, span.error)


def _pruned(twigs: Sequence[_Twig]) -> tuple[list[_Twig], list[_Twig]]:
    """Keep what failed or took longest; say what is left over."""
    if len(twigs) <= MOST:
        return list(twigs), []

    def weight(twig: _Twig) -> tuple[bool, int]:
        failed = any(piece.error for piece in twig.pieces)
        return failed, sum(piece.end - piece.start for piece in twig.pieces)

    best = set(sorted(twigs, key=weight, reverse=True)[:MOST])
    for twig in twigs:
        while twig.parent is not None and twig.parent not in best:
            twig.parent = twig.parent.parent
    kept = [twig for twig in twigs if twig in best]
    return kept, [twig for twig in twigs if twig not in best]


def _listed(timeline: Timeline, twigs: Sequence[_Twig]) -> Iterator[Branch]:
    """Each twig, followed by those inside of it."""
    inside: dict[_Twig | None, list[_Twig]] = {}
    for twig in twigs:
        inside.setdefault(twig.parent, []).append(twig)

    def ordered(parent: _Twig | None) -> list[_Twig]:
        return sorted(inside.get(parent, ()), key=_place, reverse=True)

    left = [(twig, 0) for twig in ordered(None)]
    while left:
        twig, depth = left.pop()
        first = timeline.spans[twig.spans[0]]
        label = span_words(first.kind, first.name)
        times = len(twig.spans)
        yield Branch(twig.task, depth, label, times, twig.spans[0], twig.pieces)
        left += [(child, depth + 1) for child in ordered(twig)]


def _place(twig: _Twig) -> tuple[int, int, int]:
    return -1 if twig.task is None else twig.task, twig.pieces[0].start, twig.spans[0]


def _rest(timeline: Timeline, twigs: Sequence[_Twig], now: int) -> Iterator[Branch]:
    """The twigs that are left over as one branch for the request, and one for each task."""
    left: dict[int | None, list[int]] = {}
    for twig in twigs:
        left.setdefault(twig.task, []).extend(twig.spans)
    for task, places in left.items():
        found = [timeline.spans[place] for place in places]
        label = count(len(found), "more span")
        yield Branch(task, 0, label, 1, places[0], pieces(found, now))
