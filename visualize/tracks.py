"""Where the spans of a trace stand: bars on one track may hold each other, but never overlap."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from visualize.layout.lanes import Extent

DEEPEST = 100
"""So many bars deep a track may be; Perfetto draws no more than some 500."""
TRIED = 50
"""So many tracks beside are tried before another is begun."""


class Track:
    """One track of a trace. Spans have to come in the order of their start, longer ones first."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._ends: list[int] = []

    def takes(self, extent: Extent) -> bool:
        """Whether the extent is inside of all that lasts on this track when it starts."""
        start, end = extent
        while self._ends and self._ends[-1] <= start:
            self._ends.pop()
        return not self._ends or (end <= self._ends[-1] and len(self._ends) < DEEPEST)

    def put(self, extent: Extent) -> None:
        """Take note of what lasts on this track now."""
        self._ends.append(extent[1])


def place(
    extents: Sequence[Extent],
    own: Sequence[tuple[Track, Sequence[Extent]]],
    inside: Sequence[int | None],
    another: Callable[[], Track],
) -> list[Track]:
    """Choose a track for each extent: that of what it is inside of, its own, or one beside.

    `own` is the track of the bar that made each, and the extents of that bar's parts, into one of
    which it must fit to stand there. `inside` is the position of the extent around each, and
    `another` begins a track beside.
    """
    chosen: dict[int, Track] = {}
    aside: dict[int | None, Track] = {}
    beside: list[Track] = []
    for at in in_time(extents):
        extent = extents[at]
        track, parts = own[at]
        ways = [aside[inside[at]]] if inside[at] in aside else []
        if any(start <= extent[0] and extent[1] <= end for start, end in parts):
            ways.append(track)
        ways += beside[:TRIED]
        found = next((way for way in ways if way.takes(extent)), None)
        if found is None:
            found = another()
            beside.append(found)
        found.put(extent)
        chosen[at] = found
        if found is not track:
            aside[at] = found
    return [chosen[at] for at in range(len(extents))]


def in_time(extents: Sequence[Extent]) -> list[int]:
    """Return the positions of extents in the order of their start; what holds another comes first.

    Equal ones keep their order.
    """
    return sorted(range(len(extents)), key=lambda at: (extents[at][0], -extents[at][1]))
