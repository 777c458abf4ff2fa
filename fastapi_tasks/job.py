"""What runs a task: one call of a function, contained, with its moments recorded.

`states` says in which order things happen to one; `_end()` is the one place that ends a job.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any, Protocol, TypeVar

import anyio

from .callables import check_arguments, display_name, is_coroutine_function
from .keeper import Keeper
from .loops import Call, Handle, Loop, Threads
from .names import harmless
from .request import Request
from .slots import Limiters
from .states import ENDED, HELD, QUEUED, RELEASED, RUNNING, STOPPING
from .steps import Beat, first_step
from .task import Task, TaskConfig, TaskErrorHandler
from .telemetry import traced
from .timeline import Mode, Outcome, TaskRecord
from .watch.here import Here, here

T = TypeVar("T")

logger = logging.getLogger("fastapi_tasks")


_running: ContextVar[Job | None] = ContextVar("fastapi_tasks.running", default=None)


class Place(Protocol):
    """Where jobs live from the app's startup until its shutdown."""

    keeper: Keeper
    loop: Loop
    threads: Threads
    limiters: Limiters
    live: dict[Any, None]
    beat: Beat | None

    @property
    def tracer(self) -> Any:
        """What begins the spans of tasks, None where no SDK is configured."""


class Job:
    """One call of a function on its way from `schedule()` to its end."""

    # One of these is made for every call.
    __slots__ = (
        "_call",
        "_context",
        "_coroutine",
        "_handle",
        "_place",
        "_returned",
        "_slot",
        "_state",
        "_stop_as",
        "_stopped",
        "_timer",
        "args",
        "config",
        "dropped",
        "func",
        "kwargs",
        "record",
        "request",
        "task",
        "waiters",
    )

    def __init__(
        self,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        config: TaskConfig,
        mode: Mode,
        request: Request,
        place: Place,
    ) -> None:
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._call: Call | None = None
        if is_coroutine_function(func):
            # Made here rather than in run(): it costs the same, and checks the arguments.
            self._coroutine = func(*args, **kwargs)
        else:
            check_arguments(func, args, kwargs)
        self.func = func
        self.args = args
        self.kwargs = kwargs
        self.config = config
        self.request = request
        self.waiters: list[anyio.Event] | None = None
        self.dropped = False
        self._place = place
        self._context: Context | None = copy_context()
        self._handle: Handle | None = None
        self._state = HELD
        self._stopped = self._returned = False
        self._stop_as: Outcome = "cancelled"
        self._slot: anyio.CapacityLimiter | None = None
        self._timer: Handle | None = None
        self.record = TaskRecord(
            config.name or display_name(func),
            mode,
            place.keeper.clock(),
            thread=self._coroutine is None,
            shield=config.shield is True,
            parent=_parent(request),
        )
        # For those who hold the task; it would hold this, and this it, for the garbage collector.
        self.task: Task[..., Any] | None = Task(self)

    @property
    def title(self) -> str:
        """The task in words, for logs."""
        name = harmless(self.record.name)
        return f"{name} ({self.record.mode}, {self.request.title})"

    def __repr__(self) -> str:
        return f"<Job {self.title}: {self._state.value}>"

    # To its end ---------------------------------------------------------------------------------

    def release(self) -> None:
        """Hand the job to the event loop; on its thread only."""
        if self._state is not HELD or self._context is None:
            return
        self._state = RELEASED
        record, place = self.record, self._place
        if record.released is None:
            record.released = place.keeper.clock()
        self._tell("released")
        self._handle = place.loop.spawn(self._run, self._context, record.name)

    async def _run(self) -> None:
        """Run the function to its end, whatever it raises; only KeyboardInterrupt goes on up."""
        if self._state is not RELEASED:
            return
        _running.set(self)
        if self._place.keeper.watching:
            here.set(Here(self.request, self.record.id))
        place = self._place
        coroutine = self._work() if self.config.limit is None else self._in_slot(self.config.limit)
        try:
            keeper = place.keeper
            rest = first_step(coroutine, self, keeper.clock, keeper.busy_limit, place.beat)
            if rest is not None:
                await rest
            self._end("ok")
        except KeyboardInterrupt as error:
            self._end("error", error)
            raise
        except BaseException as error:
            await self._failed(error)
        finally:
            self._leave()

    async def _in_slot(self, limit: int | anyio.CapacityLimiter) -> None:
        """Do the work as soon as its limit has a slot."""
        limiter = self._place.limiters.of(self.func, limit)
        await limiter.acquire_on_behalf_of(self)
        self._slot = limiter
        try:
            if self._state is not RELEASED:
                # Cancelled in the very moment in which the slot came free.
                return
            self.record.admitted = self._place.keeper.clock()
            self._tell("admitted")
            await self._work()
        finally:
            # A thread that was let go is still at it: it gives the slot back itself.
            if self._returned or not (self.record.thread and self.record.outcome == "timeout"):
                self._give_slot_back()

    def _give_slot_back(self) -> None:
        limiter, self._slot = self._slot, None
        if limiter is not None:
            limiter.release_on_behalf_of(self)

    def _work(self) -> Coroutine[Any, Any, Any]:
        coroutine = self._threaded() if self._coroutine is None else self._begun(self._coroutine)
        tracer = self._place.tracer
        return coroutine if tracer is None else traced(coroutine, tracer, self.record)

    def _begun(self, coroutine: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        self._state = RUNNING
        self.record.started = self._place.keeper.clock()
        self._tell_started()
        self._begin_timeout()
        return coroutine

    async def _threaded(self) -> None:
        self._state = QUEUED
        # The context is that of this task, in which a span of its own may have begun.
        function = partial(copy_context().run, self._in_thread, self.func, self.args, self.kwargs)
        result = await self._in_pool(Call(function, self._taken, self._begun_in_thread))
        if self._stop_as == "timeout":
            await self._timed_out("; its thread goes on, since nothing can stop it")
        elif inspect.isawaitable(result):
            self.record.finished = None
            # Out of its thread, where nothing could cancel it.
            await _awaiting(result)

    async def _in_pool(self, call: Call) -> Any:
        self._call = call
        try:
            return await self._place.threads.run(call)
        finally:
            self._call = None

    def _taken(self) -> None:
        self.record.started = self._place.keeper.clock()
        if self._state is QUEUED:
            self._state = RUNNING

    def _begun_in_thread(self) -> None:
        self._tell_started()
        if self.config.timeout is not None:
            self._place.loop.call_soon(self._begin_timeout)

    def _in_thread(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        try:
            return func(*args, **kwargs)
        finally:
            # Stamped here, since the way back to the event loop may be long.
            if self.record.outcome is None:
                self.record.finished = self._place.keeper.clock()
            self._returned = True
            if self._slot is not None:
                # The loop may have ended, and with it all that waited.
                with suppress(RuntimeError):
                    self._place.loop.call_soon(self._give_slot_back)

    async def _failed(self, error: BaseException) -> None:
        if self._state is ENDED:
            return
        if self._place.loop.is_cancellation(error, asked=self._stopped):
            if self._stop_as == "timeout":
                await self._timed_out("")
                return
            self._end("cancelled")
            if not self._stopped:
                logger.warning("task %s was cancelled, with the app's lifespan", self.title)
            return
        self._end("error", error)
        record = self.record
        ran = "" if record.ran is None else f" after {record.ran / 1e6:.1f} ms"
        logger.error("task %s failed%s", self.title, ran, exc_info=error)
        await self._report(error)

    async def _report(self, error: BaseException) -> None:
        handler = self.config.on_error
        if handler is not None and self.task is not None and isinstance(error, Exception):
            await self._handle_error(handler, self.task, error)

    # A task that runs for too long --------------------------------------------------------------

    def _begin_timeout(self) -> None:
        if self.config.timeout is not None and self._state is RUNNING:
            self._timer = self._place.loop.call_later(self.config.timeout, self._time_out)

    def _time_out(self) -> None:
        """Cancel a coroutine; let a thread go, which nothing can stop."""
        if self._state is not RUNNING or self._returned:
            return
        self._stop_as = "timeout"
        if self._call is None:
            self._state = STOPPING
            self._stop()
        else:
            # Woken, its coroutine finds that its thread has not returned.
            self._call.finished.set()

    async def _timed_out(self, thread: str) -> None:
        seconds = self.config.timeout
        self._end("timeout")
        logger.error("task %s timed out after %g s%s", self.title, seconds, thread)
        await self._report(TimeoutError(f"the task ran for longer than {seconds:g} s"))

    async def _handle_error(
        self, handler: TaskErrorHandler, task: Task[..., Any], error: Exception
    ) -> None:
        place = self._place
        try:
            if is_coroutine_function(handler):
                result = handler(task, error)
            else:
                call: Callable[[], Any] = partial(copy_context().run, handler, task, error)
                result = await self._in_pool(Call(call))
            if inspect.isawaitable(result):
                coroutine, keeper = _awaiting(result), place.keeper
                rest = first_step(coroutine, self, keeper.clock, keeper.busy_limit, place.beat)
                if rest is not None:
                    await rest
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            if not self._stopped:
                logger.error("on_error of task %s failed itself", self.title, exc_info=failure)

    # Ended from outside, on the loop's thread ---------------------------------------------------

    def cancel(self) -> bool:
        """Cancel the job for a shutdown; False if a thread is at it, which nothing can stop."""
        if self._call is not None:
            # From here on no thread can take it.
            if not self._call.withdraw():
                return False
            self._end("cancelled")
        elif self._state in (HELD, RELEASED):
            self._end("cancelled")
            # First, since it may wait for a slot of its limit.
            self._stop()
            self._leave()
        elif self._state is RUNNING:
            self._state = STOPPING
        self._stop()
        return True

    def abandon(self) -> bool:
        """End the job in the record, and cancel it for good; False if its function has returned."""
        on_its_way_back = self.record.finished is not None and self._state is not ENDED
        if on_its_way_back:
            # From its thread: it ends as what it is.
            return False
        if self._call is not None:
            self._call.withdraw()
        waiting = self._state in (HELD, RELEASED)
        self._end("abandoned")
        self._stop()
        if waiting:
            self._leave()
        return True

    def drop(self) -> None:
        """Never resume the job again, wherever it stands: it refused to be cancelled."""
        self._end("abandoned")
        self.dropped = True
        if self._call is not None:
            # What waits for the thread is shielded from all else.
            self._call.finished.set()
        self._stop()
        self._leave()

    def discard(self) -> None:
        """End the job unreleased, because its endpoint failed."""
        self._end("discarded")
        self._leave()

    def held_loop(self, begun: int, ended: int) -> None:
        """Record that one step of this job held the event loop."""
        self._place.keeper.held_loop(self.request, begun, ended, self.record)

    def _stop(self) -> None:
        self._stopped = True
        if self._handle is not None:
            self._handle.cancel()

    def _end(self, outcome: Outcome, error: BaseException | None = None) -> None:
        """Record the outcome, once: the first one stands."""
        if self._state is ENDED:
            return
        self._state = ENDED
        record = self.record
        if record.finished is None and outcome != "abandoned":
            record.finished = self._place.keeper.clock()
        if error is not None:
            record.error = type(error).__name__
        record.outcome = outcome
        if self.waiters is not None:
            self._wake()
        self._tell("finished")

    def _leave(self) -> None:
        """Let the arguments go: a finished task keeps nothing of them alive."""
        place = self._place
        place.live.pop(self, None)
        if place.keeper.settling.waiters:
            place.keeper.settling.something_ended()
        self.args = ()
        self.kwargs = {}
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._handle = self._call = self.task = None
        # It holds this job, as the one that runs in it.
        self._context = None
        coroutine, self._coroutine = self._coroutine, None
        if coroutine is not None and self.record.started is None:
            coroutine.close()

    # Telling ------------------------------------------------------------------------------------

    def _tell(self, moment: str) -> None:
        if self._place.keeper.listeners:
            self.request.tell(moment, self.record)

    def _tell_started(self) -> None:
        if self.waiters is not None:
            self._place.loop.call_soon(self._wake)
        self._tell("started")

    def _wake(self) -> None:
        for event in self.waiters or ():
            event.set()


def _parent(request: Request) -> int | None:
    running = _running.get()
    return running.record.id if running is not None and running.request is request else None


async def _awaiting(awaitable: Awaitable[T]) -> T:
    return await awaitable
