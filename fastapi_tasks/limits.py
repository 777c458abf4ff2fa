"""What an app grants its tasks: how long a shutdown may take, how many run in threads."""

from __future__ import annotations

import math


class Limits:
    """How long a shutdown may take, in seconds, and how many `def` tasks run at once."""

    def __init__(
        self, grace_period: float = 5.0, shutdown_timeout: float = 25.0, threads: int = 40
    ) -> None:
        for name, seconds in (
            ("grace_period", grace_period),
            ("shutdown_timeout", shutdown_timeout),
        ):
            if not (0 <= seconds < math.inf):
                raise ValueError(
                    f"{name} is {seconds!r}, so a shutdown would have no end: "
                    "give seconds, 0 or more and finite"
                )
        if grace_period > shutdown_timeout:
            raise ValueError(
                f"grace_period is {grace_period!r} s, but the whole shutdown may take only "
                f"{shutdown_timeout!r} s: give a shutdown_timeout at least as long"
            )
        if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
            raise ValueError(
                f"threads is {threads!r}, so `def` tasks could not run: give a whole number from 1"
            )
        self.grace_period = grace_period
        self.shutdown_timeout = shutdown_timeout
        self.threads = threads
