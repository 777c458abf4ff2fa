"""Packing: who may share a lane without touching."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

Extent = tuple[int, int]
"""The first and the last moment of something."""


def pack(extents: Sequence[Extent]) -> list[int]:
    """Give each extent the lowest lane in which it touches no other."""
    chosen = [0] * len(extents)
    taken: list[tuple[int, int]] = []
    free: list[int] = []
    for index in sorted(range(len(extents)), key=lambda index: extents[index]):
        start, end = extents[index]
        while taken and taken[0][0] < start:
            heappush(free, heappop(taken)[1])
        # Every lane below len(taken) + len(free) is in one of the two heaps.
        chosen[index] = heappop(free) if free else len(taken)
        heappush(taken, (end, chosen[index]))
    return chosen


def tile(extents: Sequence[Extent], heights: Sequence[int]) -> list[int]:
    """Give each block of lanes the highest place where it touches no other: its first lane."""
    free_from: list[int | None] = []
    tops = [0] * len(extents)
    for index in sorted(range(len(extents)), key=lambda index: extents[index]):
        start, end = extents[index]
        height = heights[index]
        run = 0
        for lane in range(len(free_from) + height):
            if lane == len(free_from):
                free_from.append(None)
            last = free_from[lane]
            run = run + 1 if last is None or last < start else 0
            if run == height:
                break
        tops[index] = lane - height + 1
        free_from[tops[index] : lane + 1] = [end] * height
    return tops
