"""The phases of one request, and the tasks that wait for them to pass."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from threading import get_ident
from typing import TYPE_CHECKING, Any, cast

from .recorder import EventKind, Recorder
from .tasks import Task, logger
from .timeline import Timeline

if TYPE_CHECKING:
    from .runtime import Runtime

AnyTask = Task[..., Any]

IMMEDIATE, AFTER_ROUTE, AFTER_RESPONSE = range(3)


class Phases:
    """What of one request has passed. Changed on the event loop's thread only.

    A task names the phase that it waits for; one that has passed releases it at once. The object
    is a context manager that the endpoint's exit stack closes, and so learns of its end.
    """

    __slots__ = (
        "_function_stack",
        "_handled",
        "_passed",
        "_waiting",
        "clock",
        "recorder",
        "runtime",
        "timeline",
    )

    dropped = False  # a request is the server's, never ours to give up

    def __init__(self, runtime: Runtime | None, recorder: Recorder, timeline: Timeline) -> None:
        # None while no lifespan runs: then `Tasks` lets nobody through to here.
        self.runtime = cast("Runtime", runtime)
        self.recorder = recorder
        self.clock = recorder.clock
        self.timeline = timeline
        self._passed = IMMEDIATE
        self._waiting: tuple[list[AnyTask], list[AnyTask]] | None = None
        self._function_stack: AsyncExitStack | None = None

    @property
    def title(self) -> str:
        """The request in words, for logs."""
        return self.timeline.title

    def tell(self, kind: EventKind, task: AnyTask | None = None) -> None:
        """Tell the recorder's subscribers what just happened."""
        self.recorder.tell(kind, self.timeline, None if task is None else task.record)

    def held_loop(self, begun: int, ended: int, task: AnyTask | None = None) -> None:
        """Record that a step of this request, or of one of its tasks, held the event loop."""
        culprit = self.title if task is None else task.record.name
        index = None if task is None else task.index
        self.recorder.held_loop(self.timeline, begun, ended, culprit, index)

    # The endpoint ------------------------------------------------------------------------------

    def enter_endpoint(self, function_stack: AsyncExitStack, request_stack: AsyncExitStack) -> None:
        """Take note that the endpoint is about to run, and listen for its end."""
        if self._function_stack is None:
            timeline = self.timeline
            timeline.endpoint_start = self.clock()
            if self.recorder.listeners:
                self.tell("endpoint_start")
            self._handled = sys.exception()
            self._function_stack = function_stack
            function_stack.push(self)
            if timeline.kind == "websocket":
                request_stack.callback(self.pass_to, AFTER_ROUTE)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.timeline.endpoint_end is None:
            self.timeline.endpoint_end = self.clock()
            if self.recorder.listeners:
                self.tell("endpoint_end")
        if kind is not None:
            self._fail(kind)

    def __enter__(self) -> None: ...

    def _fail(self, kind: type[BaseException]) -> None:
        self.timeline.error = kind.__name__
        self._passed = AFTER_RESPONSE
        if self._waiting is None:
            return
        discarded = [task for waiting in self._waiting for task in waiting]
        self._waiting = None
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
        runtime.admit(task)
        if get_ident() == runtime.thread:
            self._place(task, phase)
        else:
            if phase == IMMEDIATE:
                task.record.released = self.clock()
            # Calls reach the loop in their order, so before the return of a `def` endpoint.
            runtime.backend.call_soon(self._place, task, phase)

    def _place(self, task: AnyTask, phase: int) -> None:
        tasks = self.timeline.tasks
        if not tasks and self._function_stack is not None:
            # Once more, from inside the endpoint: the stack unwinds from its top, so this hears
            # of the end before the exit code of dependencies entered since.
            self._function_stack.push(self)
        task.index = len(tasks)
        tasks.append(task.record)
        if self.recorder.listeners:
            self.tell("requested", task)
        if self._passed >= phase:
            task.release()
        else:
            if self._waiting is None:
                self._waiting = ([], [])
            self._waiting[phase - AFTER_ROUTE].append(task)

    def pass_to(self, phase: int) -> None:
        """Let the phases up to this one pass: release what waited for them, in order."""
        if self._passed == IMMEDIATE and self._waiting is not None:
            # A dependency's exit, say a commit, may have failed after the endpoint: then an error
            # handler answers at this moment, or nobody does.
            error = sys.exception()
            if error is not None and error is not self._handled:
                self._fail(type(error))
        while self._passed < phase:
            self._passed += 1
            if self._waiting is not None:
                for task in self._waiting[self._passed - AFTER_ROUTE]:
                    task.release()

    # The response ------------------------------------------------------------------------------

    def response_starts(self, status: int | None) -> None:
        """Take note that the server gets the response's start."""
        if self._passed < AFTER_ROUTE and self.timeline.kind == "http":
            self.pass_to(AFTER_ROUTE)
        self.timeline.status = status
        self.timeline.response_start = self.clock()
        if self.recorder.listeners:
            self.tell("response_start")

    def response_was_sent(self) -> None:
        """Take note that the server's send of the last message returned."""
        timeline = self.timeline
        if timeline.response_sent is None:
            timeline.response_sent = self.clock()
            if self.recorder.listeners:
                self.tell("response_sent")
        if timeline.kind == "http":
            self.pass_to(AFTER_RESPONSE)

    def close(self) -> None:
        """Take note that the app is done with the request, whatever came of it."""
        timeline = self.timeline
        if timeline.response_sent is None:
            timeline.aborted = timeline.kind == "http"
            if not timeline.aborted:
                self.response_was_sent()
        timeline.request_end = self.clock()
        if self.recorder.listeners:
            self.tell("request_end")
        if self._passed < AFTER_RESPONSE:
            self.pass_to(AFTER_RESPONSE)
        self._function_stack = None
        self.recorder.requests.pop(self, None)
        if self.recorder.waited_for:
            self.recorder.left()
