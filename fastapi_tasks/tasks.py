"""A task: one call of a function, contained, with its moments recorded."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar, copy_context
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

import anyio

from .callables import check_arguments, display_name, is_coroutine_function
from .config import TaskConfig, TaskErrorHandler
from .started import Started
from .steps import watched
from .telemetry import traced
from .timeline import Mode, Outcome, TaskRecord

if TYPE_CHECKING:
    from .phases import Phases
    from .runtime import Runtime
    from .scheduler import TasksBatch, TasksScheduler

__all__ = ["Task", "TaskConfig", "TaskErrorHandler", "TasksBatch", "TasksScheduler"]

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger("fastapi_tasks")

_running: ContextVar[Task[..., Any] | None] = ContextVar("fastapi_tasks.running", default=None)


class State(Enum):
    """How far the library is with a task.

    WAITING -> BEGUN -> STOPPING -> DROPPED. A task may end in any of them: it is cancelled when
    it enters STOPPING, and never resumed once DROPPED.
    """

    WAITING = auto()
    BEGUN = auto()
    STOPPING = auto()
    DROPPED = auto()


class Task(Generic[P, T]):
    """One scheduled call.

    `func`, `args` and `kwargs` are what was given to `schedule()`; the arguments are let go when
    the task has ended. `config` holds its settings with the app's defaults filled in, `record`
    its moments.
    """

    # One of these is made for every call, so the way from schedule() to run() is kept short.
    __slots__ = (
        "_cancel",
        "_context",
        "_coroutine",
        "_phases",
        "_state",
        "args",
        "config",
        "func",
        "index",
        "kwargs",
        "record",
        "waiters",
    )

    def __init__(
        self,
        func: Callable[P, T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        config: TaskConfig,
        mode: Mode,
        phases: Phases,
    ) -> None:
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
        self._phases = phases
        self._context = copy_context()
        self._cancel: Callable[[], object] | None = None
        self._state = State.WAITING
        self.waiters: list[anyio.Event] = []
        self.record = TaskRecord(
            config.name or display_name(func),
            mode,
            phases.clock(),
            thread=self._coroutine is None,
            shield=config.shielded,
        )
        parent = _running.get()
        if parent is not None and parent._phases is phases:
            self.record.parent = parent.index

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
        return self._state is State.DROPPED

    def release(self) -> None:
        """Hand the task to the event loop; on its thread only."""
        record = self.record
        if record.outcome is not None:
            return
        phases = self._phases
        if record.released is None:
            record.released = phases.clock()
        if phases.recorder.listeners:
            phases.tell("released", self)
        self._cancel = phases.runtime.backend.spawn(self.run, self._context, record.name)

    async def run(self) -> None:
        """Run the function to its end, whatever it raises; only KeyboardInterrupt goes on up."""
        if self.record.outcome is not None:
            return
        self._state = State.BEGUN
        _running.set(self)
        phases = self._phases
        coroutine = self._coroutine
        try:
            if coroutine is None:
                coroutine = self._threaded()
            else:
                self._start()
            if phases.runtime.tracer is not None:
                coroutine = traced(coroutine, phases.runtime.tracer, self.record)
            await watched(coroutine, self, phases.clock, phases.recorder.busy_limit)
        except KeyboardInterrupt as error:
            self.end("error", error)
            raise
        except BaseException as error:
            await self._failed(error)
        else:
            self.end("ok")
        finally:
            self._leave()

    async def _threaded(self) -> None:
        result = await self._phases.runtime.threads.run(self._in_thread, self._start)
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
                self.record.finished = self._phases.clock()

    def _start(self) -> None:
        self.record.started = self._phases.clock()
        if self.waiters:
            self._phases.runtime.backend.call_soon(self._wake)
        if self._phases.recorder.listeners:
            self._phases.tell("started", self)

    def _wake(self) -> None:
        for event in self.waiters:
            event.set()

    async def _failed(self, error: BaseException) -> None:
        if self._state is State.STOPPING and isinstance(error, anyio.get_cancelled_exc_class()):
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
                coroutine = _awaiting(result)
                phases = self._phases
                await watched(coroutine, self, phases.clock, phases.recorder.busy_limit)
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            if self._state is State.BEGUN:
                logger.error("on_error of task %s failed itself", self.title, exc_info=failure)

    def held_loop(self, begun: int, ended: int) -> None:
        """Record that one step of this task held the event loop."""
        self._phases.held_loop(begun, ended, self)

    def cancel(self) -> bool:
        """Cancel the task for a shutdown; False if it sits in a thread, where nothing can."""
        if self._state is State.WAITING:
            self.end("cancelled")
            self._leave()
            return True
        record = self.record
        if self._coroutine is None and record.started is not None and record.finished is None:
            return False
        self._state = State.STOPPING
        if self._cancel is not None:
            self._cancel()
        return True

    def abandon(self) -> None:
        """End the task in the record, and cancel it for good, shield or not."""
        self.end("abandoned")
        if self._state is State.WAITING:
            self._leave()
        elif self._cancel is not None:
            self._state = State.STOPPING
            self._cancel()

    def drop(self) -> None:
        """Never resume the task again, wherever it stands: it refused to be cancelled."""
        self._state = State.DROPPED
        if self._cancel is not None:
            self._cancel()

    def discard(self) -> None:
        """End the task unreleased, because its endpoint failed."""
        self.end("discarded")
        self._leave()

    def end(self, outcome: Outcome, error: BaseException | None = None) -> None:
        """Record the outcome, once: the first one stands."""
        record = self.record
        if record.outcome is not None:
            return
        if record.finished is None and outcome != "abandoned":
            record.finished = self._phases.clock()
        if error is not None:
            record.error = type(error).__name__
        record.outcome = outcome
        if self.waiters:
            self._wake()
        if self._phases.recorder.listeners:
            self._phases.tell("finished", self)

    def _leave(self) -> None:
        """Let the arguments go: a finished task keeps nothing of them alive."""
        self._phases.runtime.ended(self)
        self.args = ()
        self.kwargs = {}
        if self._coroutine is not None:
            if self._state is State.WAITING:
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
