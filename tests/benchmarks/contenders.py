"""Who is compared: their names as columns, and where they run."""

from __future__ import annotations

from tests.benchmarks.environments import published

OURS = ["off", "on", "subscriber"]
CONTENDERS = ["plain", "BackgroundTasks", "0.1", *OURS]


def environment_of(contender: str) -> str | None:
    """Return the Python that a contender needs; None for this one.

    Raises UnavailableError when it cannot be had.
    """
    return published() if contender == "0.1" else None
