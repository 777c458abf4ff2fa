"""The phases of one request, and the tasks that wait for them to pass."""

from __future__ import annotations

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

    A task names the phase that it waits for; one that has passed releases it at once.
    """

    __slots__ = (
        "_function_stack",
        "_passed",
        "_waiting",
        "clock",
        "recorder",
        "runtime",
        "timeline",
    )

    def __init__(self, runtime: Runtime | None, recorder: Recorder, timeline: Timeline) -> None:
        # None while no lifespan runs: then `Tasks` lets nobody through to here.
        self.runtime = cast("Runtime", runtime)
        self.recorder = recorder
        self.clock = recorder.clock
        self.timeline = timeline
        self._function_stack: AsyncExitStack | None = None
        self._passed = IMMEDIATE
        self._waiting: tuple[list[AnyTask], list[AnyTask]] | None = None

    @property
    def title(self) -> str:
        """The request in words, for logs."""
        return self.timeline.title

    @property
    def abandoned(self) -> bool:
        """A request is the server's, never ours to give up."""
        return False

    def tell(self, kind: EventKind, task: AnyTask | None = None) -> None:
        """Tell the recorder's subscribers what just happened."""
        if self.recorder.listeners:
            self.recorder.tell(kind, self.timeline, None if task is None else task.record)

    def held_loop(self, begun: int, ended: int, task: AnyTask | None = None) -> None:
        """Record that a step of this request, or of one of its tasks, held the event loop."""
        culprit = self.title if task is None else task.record.name
        self.recorder.held_loop(
            self.timeline, begun, ended, culprit, None if task is None else task.index
        )

    # The endpoint ------------------------------------------------------------------------------

    def enter_endpoint(self, request_stack: AsyncExitStack, function_stack: AsyncExitStack) -> None:
        """Take note that the endpoint is about to run, and listen for its end."""
        if self._function_stack is None:
            self.timeline.endpoint_start = self.clock()
            self.tell("endpoint_start")
            self._function_stack = function_stack
            request_stack.push(self._request_closed)
            function_stack.push(self._endpoint_ended)

    def watch_endpoint(self) -> None:
        """Listen for the endpoint's end before any dependency's exit code runs.

        The stack unwinds from its top, where a callback pushed by the endpoint itself lies.
        """
        if self._function_stack is not None and self.timeline.endpoint_end is None:
            self._function_stack.push(self._endpoint_ended)

    def _endpoint_ended(self, kind: type[BaseException] | None, *_: object) -> bool:
        if self.timeline.endpoint_end is None:
            self.timeline.endpoint_end = self.clock()
            self.tell("endpoint_end")
        if kind is not None:
            self._fail(kind)
        return False

    def _request_closed(self, kind: type[BaseException] | None, *_: object) -> bool:
        # Every function-scoped dependency has exited. An exception from there, say from a commit,
        # is a failure too, unless the response had started by then.
        if kind is not None and self._passed < AFTER_ROUTE:
            self._fail(kind)
        elif self.timeline.kind == "websocket":
            self.pass_to(AFTER_ROUTE)
        return False

    def _fail(self, kind: type[BaseException]) -> None:
        if self.timeline.error is None:
            self.timeline.error = kind.__name__
        self._passed = AFTER_RESPONSE
        if self._waiting is None:
            return
        discarded = [task for waiting in self._waiting for task in waiting]
        self._waiting = None
        for task in discarded:
            task.discard()
        if discarded:
            names = ", ".join(f"{task.record.name} ({task.record.mode})" for task in discarded)
            logger.warning(
                "%s failed with %s, so its tasks are discarded: %s",
                self.title,
                kind.__name__,
                names,
            )

    # Tasks -------------------------------------------------------------------------------------

    def schedule(self, task: AnyTask, phase: int) -> None:
        """Take a task from any thread; release it when `phase` has passed."""
        self.runtime.admit(task)
        if get_ident() == self.runtime.thread:
            self._admit(task)
            self._place(task, phase)
            return
        if phase == IMMEDIATE:
            task.record.released = self.clock()
        self.runtime.backend.call_soon(self._take_over, task, phase)

    def _take_over(self, task: AnyTask, phase: int) -> None:
        self._admit(task)
        self._place(task, phase)

    def _admit(self, task: AnyTask) -> None:
        tasks = self.timeline.tasks
        if not tasks:
            self.watch_endpoint()
        task.index = len(tasks)
        tasks.append(task.record)
        self.tell("requested", task)

    def _place(self, task: AnyTask, phase: int) -> None:
        if self._passed >= phase:
            self._release(task)
        else:
            if self._waiting is None:
                self._waiting = ([], [])
            self._waiting[phase - AFTER_ROUTE].append(task)

    def _release(self, task: AnyTask) -> None:
        if task.record.outcome is None:
            if task.record.released is None:
                task.record.released = self.clock()
            self.tell("released", task)
            task.spawn()

    def pass_to(self, phase: int) -> None:
        """Let the phases up to this one pass: release what waited for them, in order."""
        while self._passed < phase:
            self._passed += 1
            if self._waiting is not None:
                for task in self._waiting[self._passed - AFTER_ROUTE]:
                    self._release(task)

    # The response ------------------------------------------------------------------------------

    def response_starts(self, status: int) -> None:
        """Take note that the server gets the response's start."""
        self.pass_to(AFTER_ROUTE)
        self.timeline.status = status
        self.timeline.response_start = self.clock()
        self.tell("response_start")

    def response_was_sent(self) -> None:
        """Take note that the server's send of the last message returned."""
        if self.timeline.response_sent is None:
            self.timeline.response_sent = self.clock()
            self.tell("response_sent")
        self.pass_to(AFTER_RESPONSE)

    def connection_opens(self, status: int | None = None) -> None:
        """Take note that a WebSocket is accepted, or refused with a status."""
        self.timeline.status = status
        self.timeline.response_start = self.clock()
        self.tell("response_start")

    def connection_closed(self) -> None:
        """Take note that either end closed the WebSocket."""
        if self.timeline.response_sent is None:
            self.timeline.response_sent = self.clock()
            self.tell("response_sent")

    def close(self) -> None:
        """Take note that the app is done with the request, whatever came of it."""
        timeline = self.timeline
        self._function_stack = None
        if timeline.kind == "websocket":
            self.connection_closed()
        timeline.request_end = self.clock()
        timeline.aborted = timeline.response_sent is None
        self.tell("request_end")
        self.pass_to(AFTER_RESPONSE)
        self.recorder.leave(self)
