"""Medians of pairs, percentiles, and how a number is written."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median


def paired_ratio(times: Sequence[float], base: Sequence[float]) -> float:
    """Return the median, over the rounds, of a time by the base's time in the same round."""
    return round(median(time / other for time, other in zip(times, base, strict=True)), 3)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of 100 values do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))]


def written(value: float) -> str:
    """Write a number with three digits or so: 0.042, 1.08, 16.3, 5,263."""
    size = abs(value)
    if value == int(value) or size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.3f}"
