"""The phases of one request, and the tasks that wait for them to pass."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from threading import get_ident
from typing import TYPE_CHECKING, Any, cast

from starlette.types import Message, Scope, Send

from .recorder import EventKind, Recorder
from .tasks import Task, logger
from .timeline import Timeline

if TYPE_CHECKING:
    from .runtime import Runtime

AnyTask = Task[..., Any]

IMMEDIATE, AFTER_ROUTE, AFTER_RESPONSE = range(3)


class Phases:
    """What of one request has passed. Changed on the event loop's thread only.

    A task names the phase that it waits for; one that has passed releases it at once. Once the
    endpoint has scheduled something, its exit stack closes this object, which so learns of its end.
    """

    __slots__ = (
        "_function_stack",
        "_handled",
        "_scope",
        "_send",
        "_trailers",
        "clock",
        "passed",
        "recorder",
        "runtime",
        "timeline",
        "waiting",
    )

    dropped = False  # a request is the server's, never ours to give up

    def __init__(
        self,
        runtime: Runtime | None,
        recorder: Recorder,
        timeline: Timeline,
        scope: Scope,
        send: Send,
    ) -> None:
        # None while no lifespan runs: then `Tasks` lets nobody through to here.
        self.runtime = cast("Runtime", runtime)
        self.recorder = recorder
        self.clock = recorder.clock
        self.timeline = timeline
        self.passed = IMMEDIATE
        self.waiting: tuple[list[AnyTask], list[AnyTask]] | None = None
        self._function_stack: AsyncExitStack | None = None
        self._scope: Scope | None = scope
        self._send = send
        self._trailers = False

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
            if timeline.kind == "websocket":
                function_stack.push(self)
                request_stack.callback(self.pass_to, AFTER_ROUTE)

    def route_passes(self) -> None:
        """Take note that the endpoint and its function-scoped dependencies are over."""
        if self._function_stack is not None:
            self._function_stack = None
            # Whatever left the endpoint, or a commit after it, is being handled at this moment.
            error = sys.exception()
            self.__exit__(None if error is self._handled or error is None else type(error))
        self.pass_to(AFTER_ROUTE)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.timeline.endpoint_end is None:
            self.timeline.endpoint_end = self.clock()
            if self.recorder.listeners:
                self.tell("endpoint_end")
        if kind is not None and self.passed == IMMEDIATE:
            self._fail(kind)

    def __enter__(self) -> None: ...

    def _fail(self, kind: type[BaseException]) -> None:
        self.timeline.error = kind.__name__
        self.passed = AFTER_RESPONSE
        if self.waiting is None:
            return
        discarded = [task for waiting in self.waiting for task in waiting]
        self.waiting = None
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
            # From inside the endpoint: the stack unwinds from its top, so this hears of the end
            # before any dependency's exit code runs.
            self._function_stack.push(self)
        task.index = len(tasks)
        tasks.append(task.record)
        if self.recorder.listeners:
            self.tell("requested", task)
        if self.passed >= phase:
            task.release()
        else:
            if self.waiting is None:
                self.waiting = ([], [])
            self.waiting[phase - AFTER_ROUTE].append(task)

    def pass_to(self, phase: int) -> None:
        """Let the phases up to this one pass: release what waited for them, in order."""
        if self.waiting is None:
            if self.passed < phase:
                self.passed = phase
            return
        while self.passed < phase:
            self.passed += 1
            for task in self.waiting[self.passed - AFTER_ROUTE]:
                task.release()

    # The response ------------------------------------------------------------------------------
    # Every request passes through here, whether it has tasks or not: so without another call.

    async def send(self, message: Message) -> None:
        """Pass a message on to the server, and mark the response's start and its end."""
        kind = message["type"]
        if kind == "http.response.start":
            self._trailers = message.get("trailers", False)
            if self._function_stack is not None:
                self.route_passes()
            elif self.passed < AFTER_ROUTE:
                self.passed = AFTER_ROUTE
            timeline = self.timeline
            timeline.status = message["status"]
            timeline.response_start = self.clock()
            if self.recorder.listeners:
                self.tell("response_start")
            await self._send(message)
            return
        await self._send(message)
        if kind == "http.response.body":
            last = not (self._trailers or message.get("more_body", False))
        else:
            last = _is_last(kind, message, self._trailers)
        if last and self.timeline.response_sent is None:
            self.timeline.response_sent = self.clock()
            if self.recorder.listeners:
                self.tell("response_sent")
            self.pass_to(AFTER_RESPONSE)

    def close(self) -> None:
        """Take note that the app is done with the request, whatever came of it."""
        timeline, scope, recorder = self.timeline, self._scope, self.recorder
        if scope is not None:
            timeline.route = getattr(scope.get("route"), "path", None)
        # The scope holds this object: let go, both are freed without the garbage collector.
        self._scope = None
        if self._function_stack is not None and timeline.kind == "http":
            self.route_passes()
        if timeline.response_sent is None:
            if timeline.kind == "websocket":
                self.connection_closed()
            else:
                timeline.aborted = True
        timeline.request_end = self.clock()
        if recorder.listeners:
            self.tell("request_end")
        if self.passed < AFTER_RESPONSE:
            self.pass_to(AFTER_RESPONSE)
        recorder.requests.pop(self, None)
        if recorder.waited_for:
            recorder.left()

    # A WebSocket -------------------------------------------------------------------------------

    def connection_opens(self, status: int | None) -> None:
        """Take note that a WebSocket was accepted, or refused with a status."""
        self.timeline.status = status
        self.timeline.response_start = self.clock()
        if self.recorder.listeners:
            self.tell("response_start")

    def connection_closed(self) -> None:
        """Take note that either end closed the WebSocket."""
        if self.timeline.response_sent is None:
            self.timeline.response_sent = self.clock()
            if self.recorder.listeners:
                self.tell("response_sent")


def _is_last(kind: str, message: Message, trailers: bool) -> bool:
    # The ASGI specification's "HTTP & WebSocket" page and its extensions: trailers, pathsend.
    if kind == "http.response.zerocopysend":
        return not (trailers or message.get("more_body", False))
    if kind == "http.response.trailers":
        return not message.get("more_trailers", False)
    return kind == "http.response.pathsend" and not trailers
