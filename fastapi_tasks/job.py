"""One call of a function on its way from `schedule()` to its end.

`states` says in which order things happen to one; `end()` is the one place that ends a job.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, Protocol

import anyio

from .callables import check_arguments, display_name, is_coroutine_function
from .keeper import Keeper
from .loops import Handle, Loop
from .loops.threads import Call, Threads
from .names import harmless, name_of
from .request import Request
from .slots import Limiters
from .states import ENDED, HELD, RELEASED, RUNNING, STOPPING, State
from .steps import Beat, Owner
from .task import Task, TaskConfig
from .timeline import Mode, Outcome, TaskRecord

current: ContextVar[Job | None] = ContextVar("fastapi_tasks.running", default=None)
"""The job that runs the code which asks, None where none does."""


class Place(Protocol):
    """Where jobs live from the app's startup until its shutdown."""

    keeper: Keeper
    loop: Loop
    threads: Threads
    limiters: Limiters
    live: dict[Any, None]
    beat: Beat | None
    thread: int
    config: TaskConfig

    @property
    def tracer(self) -> Any:
        """What begins the spans of tasks, None where no SDK is configured."""

    def accept(self, job: Job) -> None:
        """Count a job as live. Raises FastAPITasksError once the lifespan is over."""


class Job(Owner):
    """What is known of one call, and how it ends; `running` runs it."""

    # One of these is made for every call.
    __slots__ = (
        "args",
        "call",
        "config",
        "context",
        "coroutine",
        "dropped",
        "func",
        "handle",
        "keeper",
        "kwargs",
        "place",
        "record",
        "request",
        "returned",
        "slot",
        "state",
        "stop_as",
        "stopped",
        "task",
        "timer",
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
        self.coroutine: Coroutine[Any, Any, Any] | None = None
        self.call: Call | None = None
        if is_coroutine_function(func):
            # Made here rather than when it runs: it costs the same, and checks the arguments.
            self.coroutine = func(*args, **kwargs)
        else:
            check_arguments(func, args, kwargs)
        self.func = func
        self.args = args
        self.kwargs = kwargs
        self.config = config
        self.request = request
        self.place = place
        self.keeper: Keeper = place.keeper
        self.waiters: list[anyio.Event] | None = None
        self.context: Context | None = copy_context()
        self.handle: Handle | None = None
        self.state: State = HELD
        self.dropped = self.stopped = self.returned = False
        self.stop_as: Outcome = "cancelled"
        self.slot: anyio.CapacityLimiter | None = None
        self.timer: Handle | None = None
        self.record = TaskRecord(
            config.name or display_name(func),
            mode,
            place.keeper.clock(),
            thread=self.coroutine is None,
            shield=config.shield is True,
            parent=_parent(request),
        )
        # For those who hold the task; it would hold this, and this it, for the garbage collector.
        self.task: Task[..., Any] | None = Task(self)

    @property
    def beat(self) -> Beat | None:
        """What is told of each step; None where nobody watches the loop from outside."""
        return self.place.beat

    @property
    def title(self) -> str:
        """The task in words, for logs."""
        name = harmless(self.record.name)
        return f"{name} ({self.record.mode}, {self.request.title})"

    def __repr__(self) -> str:
        return f"<Job {self.title}: {self.state.value}>"

    # Ended from outside, on the loop's thread ---------------------------------------------------

    def cancel(self) -> bool:
        """Cancel the job for a shutdown; False if a thread is at it, which nothing can stop."""
        if self.call is not None:
            # From here on no thread can take it.
            if not self.call.withdraw():
                return False
            self.end("cancelled")
        elif self.state in (HELD, RELEASED):
            self.end("cancelled")
            # First, since it may wait for a slot of its limit.
            self.stop()
            self.leave()
        elif self.state is RUNNING:
            self.state = STOPPING
        self.stop()
        return True

    def abandon(self) -> bool:
        """End the job in the record, and cancel it for good; False if its function has returned."""
        on_its_way_back = self.record.finished is not None and self.state is not ENDED
        if on_its_way_back:
            # From its thread: it ends as what it is.
            return False
        if self.call is not None:
            self.call.withdraw()
        waiting = self.state in (HELD, RELEASED)
        self.end("abandoned")
        self.stop()
        if waiting:
            self.leave()
        return True

    def drop(self) -> None:
        """Never resume the job again, wherever it stands: it refused to be cancelled."""
        self.end("abandoned")
        self.dropped = True
        if self.call is not None:
            # What waits for the thread is shielded from all else.
            self.call.finished.set()
        self.stop()
        self.leave()

    def discard(self) -> None:
        """End the job unreleased, because its endpoint failed."""
        self.end("discarded")
        self.leave()

    def held_loop(self, begun: int, ended: int) -> None:
        """Record that one step of this job held the event loop."""
        self.keeper.loops.by_step(self.request, begun, ended, self.record)

    # On its way ---------------------------------------------------------------------------------

    async def in_pool(self, call: Call) -> Any:
        """Return what a call in a thread returned, or raise what it raised."""
        self.call = call
        try:
            return await self.place.threads.run(call)
        finally:
            self.call = None

    def stop(self) -> None:
        """Cancel what runs the job."""
        self.stopped = True
        if self.handle is not None:
            self.handle.cancel()

    def end(self, outcome: Outcome, error: BaseException | None = None) -> None:
        """Record the outcome, once: the first one stands."""
        if self.state is ENDED:
            return
        self.state = ENDED
        record = self.record
        if record.finished is None and outcome != "abandoned":
            record.finished = self.keeper.clock()
        if error is not None:
            record.error = name_of(type(error))
        record.outcome = outcome
        if self.waiters is not None:
            self._wake()
        self.tell("finished")

    def leave(self) -> None:
        """Let the arguments go: a finished task keeps nothing of them alive."""
        place = self.place
        place.live.pop(self, None)
        keeper = self.keeper
        if keeper.settling.waiters:
            keeper.settling.something_ended()
        if keeper.crowded and place.loop.is_current():
            keeper.task_ended(self.request.timeline)
        self.args = ()
        self.kwargs = {}
        if self.timer is not None:
            self.timer.cancel()
        self.timer = self.handle = self.call = self.task = None
        # It holds this job, as the one that runs in it.
        self.context = None
        coroutine, self.coroutine = self.coroutine, None
        if coroutine is not None and self.record.started is None:
            coroutine.close()

    # Telling ------------------------------------------------------------------------------------

    def tell(self, moment: str) -> None:
        """Tell the recorder's subscribers that this has happened to the task."""
        if self.keeper.listeners:
            self.request.tell(moment, self.record)

    def tell_started(self) -> None:
        """Tell them, and whoever waits for that, that the function begins; from any thread."""
        if self.waiters is not None:
            self.place.loop.call_soon(self._wake)
        self.tell("started")

    def _wake(self) -> None:
        for event in self.waiters or ():
            event.set()


def _parent(request: Request) -> int | None:
    job = current.get()
    return job.record.id if job is not None and job.request is request else None
