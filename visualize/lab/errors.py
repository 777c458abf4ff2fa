"""What the lab raises."""

from __future__ import annotations


class LabError(RuntimeError):
    """Raised when a server cannot start or stop. The message says why, and what to do."""
