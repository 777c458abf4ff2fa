"""What the lab raises."""

from __future__ import annotations


class LabError(RuntimeError):
    """Raised when a server cannot start or stop. The message says why, and what to do."""


def not_started(error: BaseException | None) -> LabError:
    """Say why an app did not start, from what its lifespan raised."""
    why = "its lifespan says so" if error is None else f"{type(error).__name__}: {error}"
    return LabError(f"the app did not start ({why}): look at its lifespan")


def hanging(seconds: float) -> LabError:
    """Say that an app has not shut down in the time that it got."""
    return LabError(
        f"the app was told to stop {seconds:g} s ago and still runs: look for what hangs in the "
        "part of its lifespan after its yield"
    )
