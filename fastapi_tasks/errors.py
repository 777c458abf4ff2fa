"""What this package raises."""

from __future__ import annotations


class FastAPITasksError(Exception):
    """Base of all errors of this package."""


class FastAPITasksUninitializedAppError(FastAPITasksError):
    """Raised out of a request that asks for `Tasks` where no tasks can run."""


class RecordingError(FastAPITasksError, ValueError):
    """Raised for a recording that cannot be read. The message names the line."""
