"""Whether two runs differ, or whether chance and a busy machine explain what is seen.

Durations of one run are not independent: one pause delays twenty requests. So each run is cut into
stretches of time, each stretch becomes one number (its p50, its p95, its mean), and these are
compared by a rank test (Mann and Whitney's, by its normal approximation), which asks nothing of how
durations spread. Where many rows are tested, chance alone would make some look changed: Holm's
correction keeps the chance that any of them does at one in a hundred.

That would still tell apart two runs of the same app, since no two runs find the machine equally
busy. So a change must also be large: see `floors`. Where the machine's load changes by much between
two runs, no test can tell that from a change of the app: have both take turns on it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import accumulate

STRETCHES = 14
"""The stretches of the smaller run: with fewer, nothing could stand out where hundreds are tested;
with more, each has too few requests for a p95."""

ALPHA = 0.01
"""The chance that two runs of the same app differ anywhere, as far as the test can tell."""

SHARE = 0.1
"""A change of less than this share of what was before is noise."""

LEAST, MOST = 100_000, 10_000_000
"""Nanoseconds. Marks are exact to the first, so less is noise. Beyond the second, that everything
else moved as well is no excuse. (Of 435 pairs of runs of one app, on a machine that others kept
busy, 3 had a row that was not called noise.)"""


def floors(moved: Sequence[Sequence[float]]) -> list[float]:
    """Return for each row the nanoseconds below which its moving is noise.

    `moved` is by how many each number of each row moved. The floor is twice what three in four of
    all other rows' numbers moved by at most, within LEAST and MOST.
    """
    order = sorted((abs(by), row) for row, many in enumerate(moved) for by in many)
    places: dict[int, list[int]] = defaultdict(list)
    for place, (_, row) in enumerate(order):
        places[row].append(place)
    found: list[float] = []
    for row in range(len(moved)):
        at = -(-3 * (len(order) - len(places[row])) // 4) - 1
        if at < 0:
            found.append(LEAST)
            continue
        for own in places[row]:
            at += own <= at
        found.append(min(max(2 * order[at][0], LEAST), MOST))
    return found


def stretches(values: Sequence[int], size: int) -> list[Sequence[int]]:
    """Cut values, in order of time, into pieces of `size` or a little more."""
    n, pieces = len(values), max(len(values) // size, 1)
    return [values[n * at // pieces : n * (at + 1) // pieces] for at in range(pieces)]


def chance(
    before: Sequence[int], after: Sequence[int], number: Callable[[Sequence[int]], float]
) -> float:
    """Return how likely so clear a difference is without any change, from 0 to 1.

    `number` makes one number of a stretch.
    """
    size = -(-min(len(before), len(after)) // STRETCHES)
    if not size:
        return 1.0
    return rank_test(*([number(one) for one in stretches(run, size)] for run in (before, after)))


def rank_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p of Mann and Whitney's test, by the normal approximation."""
    n, m = len(first), len(second)
    counts = sorted(Counter([*first, *second]).items())
    if len(counts) == 1:
        return 1.0
    # Equal values share the mean of their ranks.
    ends = accumulate(count for _, count in counts)
    ranks = {value: end - (count - 1) / 2 for (value, count), end in zip(counts, ends, strict=True)}
    above = sum(ranks[value] for value in first) - n * (n + 1) / 2
    ties = sum(count**3 - count for _, count in counts)
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    distance = max(abs(above - n * m / 2) - 0.5, 0)
    return math.erfc(distance / math.sqrt(2 * variance))


def significant(chances: Sequence[float]) -> list[bool]:
    """Tell of each chance whether it is small enough, given how many there are (Holm)."""
    found = [False] * len(chances)
    for tested, at in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        if chances[at] * (len(chances) - tested) > ALPHA:
            break
        found[at] = True
    return found
