"""The lanes beneath a bar, on which the spans stand that were made there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from .lanes import pack
from .nest import Branch
from .scene import Bar, Lane

Spans = Literal["all", "folded", "packed", "counted"]
"""How spans are drawn: each on a lane of its own, `all` of them or repeats `folded`; `packed` onto
few lanes, by their depth; or not at all, but `counted`."""


class Beneath:
    """Branches on lanes, counted from 0: each on its own, or packed by their depth."""

    def __init__(self, branches: Sequence[Branch], *, packed: bool) -> None:
        self.branches = branches
        self.lanes = _by_depth(branches) if packed else list(range(len(branches)))
        self.height = max(self.lanes, default=-1) + 1

    def rows(self, request: int) -> Iterator[Lane]:
        """The lanes; those on which several branches stand have no label."""
        held: list[list[Branch]] = [[] for _ in range(self.height)]
        for branch, lane in zip(self.branches, self.lanes, strict=True):
            held[lane].append(branch)
        for first, *others in held:
            label, times = ("", 1) if others else (first.label, first.times)
            yield Lane("span", label, request, first.task, depth=first.depth, times=times)

    def bars(self, top: int, request: int, shift: int) -> Iterator[Bar]:
        for branch, lane in zip(self.branches, self.lanes, strict=True):
            for piece in branch.pieces:
                yield Bar(
                    top + lane, piece.start + shift, piece.end + shift, "span", request,
                    branch.task, None, piece.open, piece.backwards, branch.label, branch.span,
                    branch.times, piece.error,
                )  # fmt: skip


def _by_depth(branches: Sequence[Branch]) -> list[int]:
    """Give branches that do not touch one lane, and deeper ones a lower one."""
    lanes = [0] * len(branches)
    top = 0
    for depth in range(max((branch.depth for branch in branches), default=-1) + 1):
        level = [place for place, branch in enumerate(branches) if branch.depth == depth]
        chosen = pack([branches[place].extent for place in level])
        for place, lane in zip(level, chosen, strict=True):
            lanes[place] = top + lane
        top += max(chosen, default=-1) + 1
    return lanes
