"""What a course needs: a guess beside what was measured, and a verdict on an exercise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi_tasks import harmless

from .bench import Bench

CLOSE = 0.25
"""The part of a measured number by which a guess may miss it and still be close."""

NO_GUESS = "No guess yet: write it in place of the dots, and run again."


def beside(guess: Any, measured: Any, unit: str = "", *, near: float = 0) -> str:
    """Say what was guessed and what was measured, and how far apart they are.

    Numbers are close within a quarter, or within `near` of each other, which is for what may be
    measured as next to nothing; anything else is the same or not. `unit` follows the numbers. A
    guess of `...` counts as none, and a line asks for one.
    """
    found = f"measured: {_written(measured, unit)}"
    if guess is ...:
        return f"{found}\n{NO_GUESS}"
    both = f"guessed: {_written(guess, unit)}, {found}"
    if not _is_number(guess) or not _is_number(measured):
        alike = _plain(guess) == _plain(measured)
        return f"{both}. {'As you said.' if alike else 'Not as you said.'}"
    if abs(guess - measured) <= max(CLOSE * abs(measured), near):
        return f"{both}. Close."
    return f"{both}. Too {'low' if guess < measured else 'high'}."


def verdict(lab: Bench, check: Callable[..., str], *args: Any, failing: bool = False) -> str:
    """Return what `check(*args)` says of an exercise: `Right: …` or `Not yet: …`.

    An endpoint that failed is named before `check` is called, unless `failing` says that one may.
    If the answer is not right, what the lab's server logged follows it.
    """
    failed = [one for one in lab.timelines if one.error is not None]
    if failed and not failing:
        first = failed[0]
        said = f"Not yet: {first.title} failed with {first.error}, so look at its endpoint first."
    else:
        said = check(*args)
    if said.startswith("Right"):
        return said
    return "\n".join([said, *(f"  the log says: {harmless(line)}" for line in lab.log)])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _written(value: Any, unit: str) -> str:
    if _is_number(value):
        digits = f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"
        return f"{digits} {unit}".rstrip()
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.strip().lower() if isinstance(value, str) else value
