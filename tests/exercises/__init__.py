"""Answers to the notebooks' exercises: right ones that each check takes, wrong ones it refuses.

Each is written as a change to the notebook's own solution. The solution itself is right, and the
stub is wrong, without being listed.
"""

from __future__ import annotations

from . import first, last, later, middle
from .answers import Answer, Exercise

EXERCISES: dict[str, Exercise] = {
    **first.EXERCISES,
    **middle.EXERCISES,
    **later.EXERCISES,
    **last.EXERCISES,
}
"""By the number of the notebook."""

__all__ = ["EXERCISES", "Answer", "Exercise"]
