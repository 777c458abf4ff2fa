"""Nanoseconds, which a recording holds, and the units in which people read and write them."""

from __future__ import annotations

import re
from decimal import Decimal

UNITS = {
    "ns": 1,
    "µs": 1_000,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "min": 60_000_000_000,
}
"""Nanoseconds of each unit that can be written."""

_GREEK_MU, _MICRO_SIGN = "\u03bc", "\u00b5"
_WRITTEN = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([^\s0-9.]*)")
_MOST_DIGITS = 20


def ms(nanoseconds: int | None) -> float:
    """Return nanoseconds in milliseconds.

    Raises TypeError for None, which is how a timeline says that a moment never came.
    """
    return _in("ms", nanoseconds)


def us(nanoseconds: int | None) -> float:
    """Return nanoseconds in microseconds. Raises TypeError for None, as `ms` does."""
    return _in("us", nanoseconds)


def s(nanoseconds: int | None) -> float:
    """Return nanoseconds in seconds. Raises TypeError for None, as `ms` does."""
    return _in("s", nanoseconds)


def nanoseconds(text: str) -> int:
    """Read a duration such as `20ms`, `1.5 s` or `2min`, to the nearest nanosecond.

    Raises ValueError, which says what was found and what to write.
    """
    found = _WRITTEN.fullmatch(text)
    if found is None or len(found[1]) > _MOST_DIGITS:
        shown = text[:_MOST_DIGITS]
        raise ValueError(f"{shown!r} is no duration: write a number and its unit, such as 20ms")
    number, unit = found[1], found[2].lower().replace(_GREEK_MU, _MICRO_SIGN)
    if not unit:
        raise ValueError(f"{text!r} has no unit: write {number}ms, or another of {_units()}")
    if unit not in UNITS:
        raise ValueError(f"{text!r} has no unit that is known: write one of {_units()}")
    return round(Decimal(number) * UNITS[unit])


def _in(unit: str, nanoseconds: int | None) -> float:
    if nanoseconds is None:
        raise TypeError(
            f"{unit}(None): there is no such time, because what it measures did not happen; "
            "a task that never started has not run: look at its outcome first"
        )
    return nanoseconds / UNITS[unit]


def _units() -> str:
    return ", ".join(UNITS)
