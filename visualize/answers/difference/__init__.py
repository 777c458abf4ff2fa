"""Two recordings, one beside the other: what changed, and what is only noise."""

from .changes import Change, Shift
from .comparing import Difference, difference
from .failing import FailIf, FailIfError

__all__ = ["Change", "Difference", "FailIf", "FailIfError", "Shift", "difference"]
