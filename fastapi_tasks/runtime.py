"""Where an app's tasks live from its start to its shutdown."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import get_ident
from typing import Any

import anyio

from .backends import current_backend
from .config import TaskConfig
from .recorder import Recorder
from .tasks import Task, logger
from .telemetry import find_tracer
from .threads import make_threads

# What a cancelled task gets to say so, also where no time is left.
MOMENT = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a shutdown may take, in seconds, and how many `def` tasks run at once."""

    grace_period: float = 5.0
    shutdown_timeout: float = 30.0
    threads: int = 40

    def __post_init__(self) -> None:
        for name in ("grace_period", "shutdown_timeout"):
            seconds = getattr(self, name)
            if not (0 <= seconds < math.inf):
                raise ValueError(
                    f"{name} is {seconds!r}, so a shutdown would have no end: "
                    "give seconds, 0 or more and finite"
                )
        if self.grace_period > self.shutdown_timeout:
            raise ValueError(
                f"grace_period is {self.grace_period!r} s, but the whole shutdown may take only "
                f"{self.shutdown_timeout!r} s: give a shutdown_timeout at least as long"
            )
        threads = self.threads
        if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
            raise ValueError(
                f"threads is {threads!r}, so `def` tasks could not run: give a whole number from 1"
            )


class Runtime:
    """Runs tasks from the app's startup until its shutdown."""

    def __init__(self, recorder: Recorder, config: TaskConfig, limits: Limits) -> None:
        self.recorder = recorder
        # An app may be made before a server forks its workers.
        recorder.process = os.getpid()
        self.busy_limit = recorder.busy_limit
        self.clock = recorder.clock
        self.config = config
        self.backend = current_backend()
        self.thread = get_ident()
        self.threads = make_threads(limits.threads, self.backend)
        self.live: dict[Task[..., Any], None] = recorder.group()
        self._limits = limits
        self.tracer: Any = None
        self.cancelling = False
        self.closed = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run tasks while this is open; whatever is left at its end is abandoned."""
        async with self.backend.hosting():
            try:
                yield
            finally:
                self._abandon("when the app's lifespan was over")
                self._drop()
                self.threads.close()
                self.recorder.ungroup(self.live)

    def trace(self) -> None:
        """Look for a configured OpenTelemetry SDK, once the app has started."""
        self.tracer = find_tracer()

    def refuse_late(self, task: Task[..., Any]) -> None:
        """Cancel an unshielded task that was scheduled after the grace period."""
        if not task.config.shielded:
            task.cancel()

    async def drain(self) -> None:
        """End all tasks within the limits, while the app's own lifespan is still up.

        First all of them may finish, then unshielded ones are cancelled, at last the rest is
        abandoned.
        """
        grace = self._limits.grace_period
        await self._idle(grace)
        self.cancelling = True
        cancelled = [task for task in list(self.live) if not task.config.shielded and task.cancel()]
        if cancelled:
            logger.warning(
                "shutdown: cancelled after the grace period of %g s: %s", grace, _names(cancelled)
            )
        await self._idle(max(self._limits.shutdown_timeout - grace, MOMENT))
        self._abandon(f"after {self._limits.shutdown_timeout:g} s of shutdown")
        await self._idle(MOMENT)
        self._drop()

    async def _idle(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            await self.recorder.until(lambda: not self.live)

    def _abandon(self, when: str) -> None:
        self.closed = True
        left = list(self.live)
        for task in left:
            task.abandon()
        if left:
            logger.error("shutdown: abandoned %s, still running: %s", when, _names(left))

    def _drop(self) -> None:
        for task in list(self.live):
            task.drop()
            task.leave()


def _names(tasks: list[Task[..., Any]]) -> str:
    return ", ".join(task.title for task in tasks)
