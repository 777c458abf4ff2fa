"""Which span is inside of which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def parents(spans: Sequence[Any]) -> list[int | None]:
    """Return the position of the span that each span is inside of, None where it is in none.

    A parent that was let go, that another task made, or that would be inside of its own child,
    counts as none.
    """
    places = {span.id: place for place, span in enumerate(spans)}
    found = [places.get(span.parent) for span in spans]
    for place, span in enumerate(spans):
        parent = found[place]
        if parent is not None and spans[parent].task != span.task:
            found[place] = None
    _open_circles(found)
    return found


def _open_circles(found: list[int | None]) -> None:
    """Make the first span of each circle one that is in none."""
    known = [False] * len(found)
    for start in range(len(found)):
        way: set[int] = set()
        place: int | None = start
        while place is not None and not known[place] and place not in way:
            way.add(place)
            place = found[place]
        if place is not None and place in way:
            found[min(_circle(found, place))] = None
        for passed in way:
            known[passed] = True


def _circle(found: Sequence[int | None], first: int) -> Iterator[int]:
    place: int | None = first
    while place is not None:
        yield place
        place = None if found[place] == first else found[place]


def in_order(spans: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Yield the position of each span and how deep it is: a span, what is inside of it, the next.

    What a task made comes after what the request itself did; spans of one parent, by their start.
    """
    inside: dict[int | None, list[int]] = {}
    for place, parent in enumerate(parents(spans)):
        inside.setdefault(parent, []).append(place)

    def ordered(parent: int | None) -> list[int]:
        def key(place: int) -> tuple[int, int, int]:
            span = spans[place]
            return (-1 if span.task is None else span.task, span.start, place)

        return sorted(inside.get(parent, ()), key=key, reverse=True)

    left = [(place, 0) for place in ordered(None)]
    while left:
        place, depth = left.pop()
        yield place, depth
        left += [(child, depth + 1) for child in ordered(place)]
