"""What was late and why, in sentences: each finding is one cause, the time it cost, and whom."""

from .explaining import explain
from .finding import RULES, Cause, Finding, Place, Rule, Victim

__all__ = ["RULES", "Cause", "Finding", "Place", "Rule", "Victim", "explain"]
