"""What the lab raises."""

from __future__ import annotations


class LabError(RuntimeError):
    """Raised when a server cannot start or stop. The message says why, and what to do."""


def not_started(error: BaseException | None) -> LabError:
    """Say why an app did not start, from what its lifespan raised."""
    why = "its lifespan says so" if error is None else f"{type(error).__name__}: {error}"
    return LabError(f"the app did not start ({why}): look at its lifespan")
