"""The phases of a request, and the tasks that wait for them to pass."""

from __future__ import annotations

from collections.abc import Callable
from sys import exception
from threading import get_ident
from typing import Any

from .callables import warn_of_files
from .job import Job, Place
from .log import log
from .names import harmless, name_of
from .request import Request
from .running import release
from .task import Task, TaskConfig
from .timeline import SCHEDULED_MODES, Mode

PHASE: dict[Mode, int] = {mode: phase for phase, mode in enumerate(SCHEDULED_MODES)}
"""The phase that a mode waits for, in the order in which they pass."""

IMMEDIATE, AFTER_ROUTE, AFTER_RESPONSE = (PHASE[mode] for mode in SCHEDULED_MODES)


class Phases:
    """Which phases of one request have passed. Changed on the event loop's thread only.

    A task names the phase that it waits for; one that has passed releases it at once.
    """

    __slots__ = ("_handled", "_passed", "_waiting", "request", "runtime")

    def __init__(self, request: Request, runtime: Place) -> None:
        self.request = request
        self.runtime = runtime
        # Somebody may ask for tasks with the connection of a request that has been answered.
        self._passed = IMMEDIATE if request.timeline.response_sent is None else AFTER_RESPONSE
        self._waiting: dict[int, list[Job]] = {}
        # An exception may be under way from before, such as that of a request around this one.
        self._handled = exception()

    # The endpoint ------------------------------------------------------------------------------

    def endpoint_fails(self, error: BaseException) -> None:
        """Take note of what left the endpoint; from any thread."""
        if get_ident() == self.runtime.thread:
            self._fail(type(error))
        else:
            # Calls reach the loop in their order, so before the end of a `def` endpoint.
            self.runtime.loop.call_soon(self._fail, type(error))

    def route_passes(self) -> None:
        """Take note that the endpoint and its function-scoped dependencies are over."""
        if self._passed != IMMEDIATE:
            return
        # Whatever left a dependency, or a commit after the endpoint, is being handled just now.
        error = exception()
        if error is not None and error is not self._handled:
            self._fail(type(error))
            return
        self._passed = AFTER_ROUTE
        if self._waiting:
            self._release(AFTER_ROUTE)

    def __exit__(self, *_: object) -> None:
        """Do as `route_passes`, when FastAPI closes the request's dependencies."""
        self.route_passes()

    def response_passes(self) -> None:
        """Take note that the response has been sent, or never will be."""
        self._passed = AFTER_RESPONSE
        if self._waiting:
            self._release(AFTER_ROUTE)
            self._release(AFTER_RESPONSE)

    def _release(self, phase: int) -> None:
        for job in self._waiting.pop(phase, ()):
            release(job)

    def _fail(self, kind: type[BaseException]) -> None:
        """Discard what waits; what is scheduled from now on keeps its mode."""
        waiting = [job for phase in sorted(self._waiting) for job in self._waiting.pop(phase)]
        # A shutdown may have cancelled some of them.
        discarded = [job for job in waiting if job.record.outcome is None]
        self._passed = AFTER_ROUTE
        timeline = self.request.timeline
        # What kept the endpoint from being called is of interest where it has cost a task.
        if discarded or timeline.endpoint_start is not None:
            timeline.error = name_of(kind)
        if not discarded:
            return
        for job in discarded:
            job.discard()
        names = ", ".join(f"{harmless(job.record.name)} ({job.record.mode})" for job in discarded)
        log.warning(
            "%s failed with %s, so its tasks are discarded: %s",
            timeline.title,
            harmless(name_of(kind)),
            names,
        )

    # Tasks -------------------------------------------------------------------------------------

    def schedule(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        config: TaskConfig,
        mode: Mode,
    ) -> Task[..., Any]:
        """Take a call from any thread; release it when the phase of its mode has passed."""
        runtime = self.runtime
        job = Job(func, args, kwargs, config, mode, self.request, runtime)
        if args or kwargs:
            warn_of_files(job, args, kwargs)
        task: Any = job.task  # before it can end, which lets go of it
        runtime.accept(job)
        if get_ident() == runtime.thread:
            self._place(job)
        else:
            if mode == "immediate" and job.record.outcome is None:
                job.record.released = runtime.keeper.clock()
            runtime.loop.call_soon(self._place, job)
        return task  # type: ignore[no-any-return]

    def _place(self, job: Job) -> None:
        record = job.record
        keeper = self.runtime.keeper
        keeper.add_task(self.request.timeline, record)
        if keeper.listeners:
            self.request.tell("requested", record)
        phase = PHASE[record.mode]
        if self._passed >= phase:
            release(job)
        else:
            self._waiting.setdefault(phase, []).append(job)
