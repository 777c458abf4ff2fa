"""What was late and why, in sentences: each finding is one cause, the time it cost, and whom."""

from .concerning import concerning
from .explaining import explain
from .finding import RULES, Cause, Finding, Place, Rule, Victim
from .writing import NONE, to_markdown

__all__ = [
    "NONE",
    "RULES",
    "Cause",
    "Finding",
    "Place",
    "Rule",
    "Victim",
    "concerning",
    "explain",
    "to_markdown",
]
