"""Where an app's tasks live from its start to its shutdown."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from threading import get_ident
from typing import Any

from .drain import abandon, drain, drop
from .errors import FastAPITasksError
from .job import Job
from .keeper import Keeper
from .limits import Limits
from .log import log
from .loops import current_loop
from .loops.threads import Threads
from .phases import Phases
from .request import Request
from .slots import Limiters
from .steps import Beat
from .task import TaskConfig
from .telemetry import find_tracer
from .watch.loop import begin_watch, end_watch


class Runtime:
    """Runs the tasks of one lifespan, on the event loop that it runs on."""

    def __init__(self, keeper: Keeper, config: TaskConfig, limits: Limits) -> None:
        self.keeper = keeper
        # An app may be made before a server forks its workers.
        keeper.process = os.getpid()
        self.config = config
        self.loop = current_loop()
        self.thread = get_ident()
        self.limiters = Limiters()
        self.threads = Threads(limits.threads, self.loop)
        self.live: dict[Job, None] = keeper.group()
        self.limits = limits
        self.beat: Beat | None = None
        self.draining = False
        self.cancelling = False
        self.closed = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run tasks while this is open; whatever is left at its end is abandoned."""
        async with self.loop.hosting():
            try:
                yield
            finally:
                self.closed = True
                abandon(self, "when the app's lifespan was over")
                drop(self)
                self.threads.close()
                if self.beat is not None:
                    end_watch(self.keeper)
                self.keeper.ungroup(self.live)

    @cached_property
    def tracer(self) -> Any:
        """The tracer of the app's OpenTelemetry SDK, None where it has none.

        Asked for with the first task, so that an app without tasks asks no provider for one more.
        """
        return find_tracer()

    def started(self) -> None:
        """Begin to watch the started app's loop, where it is to be watched."""
        if self.keeper.watching:
            self.beat = begin_watch(self.keeper, self.loop)

    def enter(self, request: Request) -> Phases:
        """Give the tasks of a request their place here."""
        phases = request.waiting = Phases(request, self)
        return phases

    def accept(self, job: Job) -> None:
        """Count a job as live; after the grace period of a shutdown only a shielded one may run.

        Raises FastAPITasksError once the lifespan is over.
        """
        # In this order: whoever closes looks at what is live after having said so.
        self.live[job] = None
        if self.closed:
            job.drop()
            raise FastAPITasksError(
                f"task {job.title} was scheduled after the app shut down, so nothing can run it: "
                "end what schedules tasks before the shutdown"
            )
        if self.cancelling and not job.config.shielded:
            job.cancel()
            log.warning(
                "shutdown: cancelled, as it was scheduled after the grace period: %s", job.title
            )

    async def drain(self) -> None:
        """End all tasks within the limits, while the app's own lifespan is still up."""
        self.draining = True
        await drain(self)
