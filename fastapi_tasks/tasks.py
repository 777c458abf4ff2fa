"""A task: one call of a function, contained, with its moments recorded."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

import anyio

from .callables import check_arguments, display_name, is_coroutine_function
from .config import TaskConfig, TaskErrorHandler
from .started import Started
from .steps import OVER, rest, watched
from .telemetry import traced
from .timeline import Mode, Outcome, TaskRecord

if TYPE_CHECKING:
    from .backends import Handle
    from .phases import Phases
    from .runtime import Runtime
    from .scheduler import TasksBatch, TasksScheduler

__all__ = ["Task", "TaskConfig", "TaskErrorHandler", "TasksBatch", "TasksScheduler"]

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger("fastapi_tasks")

new = object.__new__

_running: ContextVar[Task[..., Any] | None] = ContextVar("fastapi_tasks.running", default=None)


# How far the library is with a task. It may end in any of these states: it is cancelled when it
# enters STOPPING, and never resumed once DROPPED.
WAITING, BEGUN, STOPPING, DROPPED = range(4)


class Task(Generic[P, T]):
    """One scheduled call.

    `func`, `args` and `kwargs` are what was given to `schedule()`; the arguments are let go when
    the task has ended. `config` holds its settings with the app's defaults filled in, `record`
    its moments.
    """

    # One of these is made for every call, so the way from schedule() to run() is kept short.
    __slots__ = (
        "_context",
        "_coroutine",
        "_phases",
        "_spawned",
        "_state",
        "args",
        "config",
        "func",
        "index",
        "kwargs",
        "record",
        "waiters",
    )

    # No __init__, which would double the price of making one.
    def prepare(
        self,
        func: Callable[P, T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        config: TaskConfig,
        mode: Mode,
        phases: Phases,
    ) -> None:
        """Become the call of `func` that was requested just now."""
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        if is_coroutine_function(func):
            # Made here rather than in run(): it costs the same, and checks the arguments.
            self._coroutine = func(*args, **kwargs)  # type: ignore[assignment]
        else:
            check_arguments(func, args, kwargs)
        self.func = func
        self.args = args
        self.kwargs = kwargs
        self.config = config
        self.index = -1
        self.waiters: list[anyio.Event] | None = None
        self._phases = phases
        self._context = copy_context()
        self._spawned: Handle | None = None
        self._state = WAITING
        parent = _running.get()
        # In half the time of a call that names them all.
        self.record = record = new(TaskRecord)
        record.name = config.name or display_name(func)
        record.mode = mode
        record.requested = phases.runtime.clock()
        record.released = record.started = record.finished = record.outcome = record.error = None
        record.thread = self._coroutine is None
        record.shield = config.shield is True
        record.parent = None if parent is None or parent._phases is not phases else parent.index

    @property
    def runtime(self) -> Runtime:
        """The runtime that the task lives in."""
        return self._phases.runtime

    @property
    def started(self) -> Started:
        """The moment when the function begins to run, to look at or to wait for."""
        return Started(self)

    @property
    def title(self) -> str:
        """The task in words, for logs."""
        return f"{self.record.name} ({self.record.mode}, {self._phases.title})"

    def __repr__(self) -> str:
        state = self.record.outcome or ("running" if self.started.is_set() else "waiting")
        return f"<Task {self.title}: {state}>"

    @property
    def dropped(self) -> bool:
        """Whether the task is never to be resumed."""
        return self._state is DROPPED

    def release(self) -> None:
        """Hand the task to the event loop; on its thread only."""
        record = self.record
        if record.outcome is not None:
            return
        phases = self._phases
        if record.released is None:
            record.released = phases.runtime.clock()
        if phases.shown is not None:
            phases.tell("released", record)
        self._spawned = phases.runtime.backend.spawn(self.run, self._context, record.name)

    async def run(self) -> None:
        """Run the function to its end, whatever it raises; only KeyboardInterrupt goes on up."""
        record, phases = self.record, self._phases
        if record.outcome is not None:
            return
        self._state = BEGUN
        _running.set(self)
        runtime = phases.runtime
        clock = runtime.clock
        begun = clock()
        try:
            coroutine = self._coroutine
            if coroutine is None:
                coroutine = self._threaded()
            else:
                self._start(begun)
            if runtime.tracer is not None:
                coroutine = traced(coroutine, runtime.tracer, record)
            # As `watched` does, without its price: for most tasks the first step is the last.
            steps: Any = coroutine.__await__()
            try:
                awaited = next(steps, OVER)
            finally:
                ended = clock()
                if ended - begun > runtime.busy_limit:
                    self.held_loop(begun, ended)
            if awaited is not OVER:
                await rest(steps, awaited, self, clock, runtime.busy_limit)
                ended = clock()
            if record.outcome is None:
                if record.finished is None:
                    record.finished = ended
                record.outcome = "ok"
                if phases.shown is not None:
                    phases.tell("finished", record)
        except KeyboardInterrupt as error:
            self.end("error", error)
            raise
        except BaseException as error:
            await self._failed(error)
        finally:
            self.leave()

    async def _threaded(self) -> None:
        result = await self._phases.runtime.threads.run(self._in_thread, self._start_in_thread)
        if inspect.isawaitable(result):
            self.record.finished = None
            # Out of its thread, where nothing could cancel it.
            self._coroutine = _awaiting(result)
            await self._coroutine

    def _in_thread(self) -> Any:
        try:
            return self.func(*self.args, **self.kwargs)
        finally:
            # Stamped here, since the way back to the event loop may be long.
            if self.record.outcome is None:
                self.record.finished = self._phases.runtime.clock()

    def _start(self, now: int) -> None:
        self.record.started = now
        if self.waiters is not None:
            self._phases.runtime.backend.call_soon(self._wake)
        if self._phases.shown is not None:
            self._phases.tell("started", self.record)

    def _start_in_thread(self) -> None:
        self._start(self._phases.runtime.clock())

    def _wake(self) -> None:
        for event in self.waiters or ():
            event.set()

    async def _failed(self, error: BaseException) -> None:
        if self._state is STOPPING and isinstance(error, anyio.get_cancelled_exc_class()):
            self.end("cancelled")
            return
        if self.record.outcome is not None:
            return
        self.end("error", error)
        ran = ((self.record.finished or 0) - (self.record.started or 0)) / 1e6
        logger.error("task %s failed after %.1f ms", self.title, ran, exc_info=error)
        handler = self.config.on_error
        if handler is not None and isinstance(error, Exception):
            await self._handle(handler, error)

    async def _handle(self, handler: TaskErrorHandler, error: Exception) -> None:
        try:
            if is_coroutine_function(handler):
                result = handler(self, error)
            else:
                threads = self._phases.runtime.threads
                result = await threads.run(lambda: handler(self, error), lambda: None)
            if inspect.isawaitable(result):
                limit = self._phases.runtime.busy_limit
                await watched(_awaiting(result), self, self._phases.runtime.clock, limit)
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            if self._state is BEGUN:
                logger.error("on_error of task %s failed itself", self.title, exc_info=failure)

    def held_loop(self, begun: int, ended: int) -> None:
        """Record that one step of this task held the event loop."""
        self._phases.task_held_loop(self, begun, ended)

    def cancel(self) -> bool:
        """Cancel the task for a shutdown; False if it sits in a thread, where nothing can."""
        if self._state is WAITING:
            self.end("cancelled")
            self.leave()
            return True
        record = self.record
        if self._coroutine is None and record.started is not None and record.finished is None:
            return False
        self._state = STOPPING
        if self._spawned is not None:
            self._spawned.cancel()
        return True

    def abandon(self) -> None:
        """End the task in the record, and cancel it for good, shield or not."""
        self.end("abandoned")
        if self._state is WAITING:
            self.leave()
        elif self._spawned is not None:
            self._state = STOPPING
            self._spawned.cancel()

    def drop(self) -> None:
        """Never resume the task again, wherever it stands: it refused to be cancelled."""
        self._state = DROPPED
        if self._spawned is not None:
            self._spawned.cancel()

    def discard(self) -> None:
        """End the task unreleased, because its endpoint failed."""
        self.end("discarded")
        self.leave()

    def end(self, outcome: Outcome, error: BaseException | None = None) -> None:
        """Record the outcome, once: the first one stands."""
        record = self.record
        if record.outcome is not None:
            return
        if record.finished is None and outcome != "abandoned":
            record.finished = self._phases.runtime.clock()
        if error is not None:
            record.error = type(error).__name__
        record.outcome = outcome
        if self.waiters is not None:
            self._wake()
        if self._phases.shown is not None:
            self._phases.tell("finished", self.record)

    def leave(self) -> None:
        """Let the arguments go: a finished task keeps nothing of them alive."""
        runtime = self._phases.runtime
        runtime.live.pop(self, None)
        if runtime.recorder.waited_for:
            runtime.recorder.left()
        self.args = ()
        self.kwargs = {}
        self._spawned = None
        if self._coroutine is not None:
            if self._state is WAITING:
                self._coroutine.close()
            self._coroutine = None


async def _awaiting(awaitable: Awaitable[T]) -> T:
    return await awaitable


def __getattr__(name: str) -> Any:
    # Importable from here as from fastapi-tasks 0.1; at the top it would be a circle.
    if name in ("TasksBatch", "TasksScheduler"):
        from . import scheduler

        return getattr(scheduler, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
