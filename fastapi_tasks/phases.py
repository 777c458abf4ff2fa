"""The phases of a request, and the tasks that wait for them to pass."""

from __future__ import annotations

from sys import exception
from threading import get_ident
from typing import Any

from .marks import Marks
from .tasks import Task, logger

AnyTask = Task[..., Any]

IMMEDIATE, AFTER_ROUTE, AFTER_RESPONSE = range(3)


class Phases(Marks):
    """What of one request has passed. Changed on the event loop's thread only.

    A task names the phase that it waits for; one that has passed releases it at once. `passed` is
    None where nobody asked for `Tasks`.
    """

    __slots__ = ("_after_response", "_after_route", "_handled")

    _after_route: list[AnyTask] | None
    _after_response: list[AnyTask] | None

    def enter(self) -> None:
        """Take note that somebody has asked for `Tasks`."""
        self.endpoint_start = self.endpoint_end = self.error = self.tasks = None
        self._after_route = self._after_response = None
        self._handled = exception()
        self.passed = IMMEDIATE

    # The endpoint ------------------------------------------------------------------------------

    def endpoint_begins(self) -> None:
        """Take note that the endpoint's first line is about to run."""
        self.endpoint_start = self.recorder.clock()
        if self.shown is not None:
            self.tell("endpoint_start")

    def endpoint_ends(self) -> None:
        """Take note that the endpoint has returned, or failed; from any thread."""
        self.endpoint_end = self.recorder.clock()
        if self.shown is not None:
            self.tell("endpoint_end")

    def endpoint_fails(self, error: BaseException) -> None:
        """Take note of what left the endpoint; from any thread."""
        self.endpoint_ends()
        if get_ident() == self.runtime.thread:
            self._fail(type(error))
        else:
            # Calls reach the loop in their order, so before the end of a `def` endpoint.
            self.runtime.backend.call_soon(self._fail, type(error))

    def route_passes(self) -> None:
        """Take note that the endpoint and its function-scoped dependencies are over."""
        if self.passed != IMMEDIATE:
            return
        # Whatever left a dependency, or a commit after the endpoint, is being handled just now.
        error = exception()
        if error is None or error is self._handled:
            self._pass_route()
        else:
            self._fail(type(error))

    def _fail(self, kind: type[BaseException]) -> None:
        self.passed = AFTER_RESPONSE
        discarded = [*(self._after_route or ()), *(self._after_response or ())]
        self._after_route = self._after_response = None
        # What kept the endpoint from being called is of interest where it has cost a task.
        if discarded or self.endpoint_start is not None:
            self.error = kind.__name__
        if not discarded:
            return
        for task in discarded:
            task.discard()
        names = ", ".join(f"{task.record.name} ({task.record.mode})" for task in discarded)
        logger.warning(
            "%s failed with %s, so its tasks are discarded: %s", self.title, kind.__name__, names
        )

    # Tasks -------------------------------------------------------------------------------------

    def schedule(self, task: AnyTask, phase: int) -> None:
        """Take a task from any thread; release it when `phase` has passed."""
        runtime = self.runtime
        runtime.live[task] = None
        if runtime.cancelling:
            runtime.refuse_late(task)
        if get_ident() == runtime.thread:
            self._place(task, phase)
        else:
            if phase == IMMEDIATE:
                task.record.released = runtime.clock()
            runtime.backend.call_soon(self._place, task, phase)

    def _place(self, task: AnyTask, phase: int) -> None:
        if self.tasks is None:
            self.tasks = [] if self.shown is None else self.shown.tasks
        task.index = len(self.tasks)
        self.tasks.append(task.record)
        if self.shown is not None:
            self.tell("requested", task.record)
        if self.passed is None or self.passed >= phase:
            task.release()
        elif phase == AFTER_ROUTE:
            if self._after_route is None:
                self._after_route = []
            self._after_route.append(task)
        else:
            if self._after_response is None:
                self._after_response = []
            self._after_response.append(task)

    def response_passes(self) -> None:
        """Take note that the response has been sent, or never will be."""
        if self.passed == IMMEDIATE:
            self._pass_route()
        waiting, self._after_response = self._after_response, None
        self.passed = AFTER_RESPONSE
        for task in waiting or ():
            task.release()

    def _pass_route(self) -> None:
        waiting, self._after_route = self._after_route, None
        self.passed = AFTER_ROUTE
        for task in waiting or ():
            task.release()

    def task_held_loop(self, task: AnyTask, begun: int, ended: int) -> None:
        """Record that a step of one of the request's tasks held the event loop."""
        self.recorder.held_loop(self, begun, ended, task.record.name, task.index)
