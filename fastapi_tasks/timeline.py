"""The facts of one request and its tasks, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from .facts import MOMENT, PART, Record, maker, moments, parts_of
from .names import harmless

ScheduledMode = Literal["immediate", "after_route", "after_response"]
"""The modes in which `Tasks` schedules."""

Mode = Literal[ScheduledMode, "background", "spawned"]
"""When a task is released: in `schedule()`, after the endpoint, or after the response.

The last two are of tasks that `Tasks` did not schedule: `background` are Starlette's
BackgroundTasks, released when the response was sent and run one after another; `spawned` are those
that user code starts itself, with `create_task()` or in a task group.
"""

Outcome = Literal["ok", "error", "cancelled", "discarded", "abandoned", "timeout"]
"""How a task ended.

`cancelled` at shutdown; `discarded` unreleased, because the endpoint failed; `abandoned` still
running when the hard limit of the shutdown passed; `timeout` when it had run for as long as it may.
"""

MODES: tuple[Mode, ...] = get_args(Mode)
SCHEDULED_MODES: tuple[ScheduledMode, ...] = get_args(ScheduledMode)
"""In the order in which they are released."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(slots=True, eq=False, repr=False)
class TaskRecord(Record):
    """What happened to one task. Times are nanoseconds of the timeline's clock.

    `requested`: user code called `schedule()`. `released`: the task was handed to the event loop.
    `admitted`: it got a slot of its limit; None where it has no limit. `started`: the function's
    first line was about to run. `finished`: it returned, raised, was cancelled or let go. All but
    the first are None until they happen, `outcome` until the task ends. `error` is the type of
    what was raised, never its message. `thread` tells a `def` task in its worker thread from a
    coroutine on the event loop. `id` counts the tasks of a request from 0, in the order in which
    they were requested; `parent` is the id of the task that scheduled this one, None where the
    request itself did. A timeline numbers tasks that nobody has numbered.
    """

    name: str
    mode: Mode
    requested: int = field(metadata=MOMENT)
    released: int | None = field(default=None, metadata=MOMENT)
    started: int | None = field(default=None, metadata=MOMENT)
    finished: int | None = field(default=None, metadata=MOMENT)
    outcome: Outcome | None = None
    error: str | None = None
    thread: bool = False
    shield: bool = False
    parent: int | None = None
    id: int = -1
    admitted: int | None = field(default=None, metadata=MOMENT)

    @property
    def held(self) -> int | None:
        """Nanoseconds from requested to released: what the mode asks for. None if not released."""
        return None if self.released is None else self.released - self.requested

    @property
    def waited(self) -> int | None:
        """Nanoseconds from released to started: the part that is late. None if it did not start."""
        if self.started is None or self.released is None:
            return None
        return self.started - self.released

    @property
    def queued(self) -> int | None:
        """Nanoseconds of the wait that were spent for a slot of its limit; None without one."""
        if self.admitted is None or self.released is None:
            return None
        return self.admitted - self.released

    @property
    def ran(self) -> int | None:
        """Nanoseconds from started to finished, or None if it did not do both."""
        if self.started is None or self.finished is None:
            return None
        return self.finished - self.started


MACHINE = "the machine"
"""The culprit where no code was: too few processors for all that wanted one, or a thread that is
not known had the interpreter lock."""


@dataclass(slots=True, eq=False, repr=False)
class Busy(Record):
    """One step of a coroutine that held the event loop for longer than the threshold.

    `culprit` names the task, or the request (`POST /orders #3`). `task` is the task's id; None
    means that the request itself, or another request's work, held it. `line` is the source line
    that held it, where it is known: `shop/mail.py:42 in render`. `thread` says that not a step of
    the loop held it, but another thread of the process, which kept the interpreter lock. The
    culprit is `the machine` where a step took long because the machine did not let it work.
    """

    start: int = field(metadata=MOMENT)
    end: int = field(metadata=MOMENT)
    culprit: str
    task: int | None = None
    line: str | None = None
    thread: bool = False


SpanKind = Literal[
    "middleware",
    "dependency",
    "close",
    "validation",
    "endpoint",
    "serialization",
    "sending",
    "sql",
    "pool",
    "http",
    "redis",
    "thread",
    "telemetry",
]
"""What took the time: a layer of the app, a dependency's set-up or its close, the framework's own
work, an SQL statement or the wait for a pooled connection, a call to elsewhere, work handed to a
thread, or a span of the app's own OpenTelemetry SDK."""

SPAN_KINDS: tuple[SpanKind, ...] = get_args(SpanKind)


@dataclass(slots=True, eq=False, repr=False)
class Span(Record):
    """Something else that took time inside a request or a task; spans nest.

    `id` counts the spans of a request from 0; `parent` is the id of the span that this one is
    inside of, None where it is in none. `task` is the id of the task that made it, None where the
    request itself did. `end` is None while it lasts. `error` is the type of the exception that left
    it. `attributes` are few and harmless: never values, statements' parameters, queries or headers.
    `answered` is when a middleware passed on the start of the response, None where it did not.
    """

    name: str
    kind: SpanKind
    start: int = field(metadata=MOMENT)
    end: int | None = field(default=None, metadata=MOMENT)
    task: int | None = None
    parent: int | None = None
    error: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    id: int = -1
    answered: int | None = field(default=None, metadata=MOMENT)

    @property
    def lasted(self) -> int | None:
        """Nanoseconds from start to end, or None while it lasts."""
        return None if self.end is None else self.end - self.start


new_span: Callable[[str, SpanKind, int, int | None, int | None, int | None], Span] = maker(
    Span, "name", "kind", "start", "end", "task", "parent"
)
"""Make a span as its constructor does, at a lower price."""


@dataclass(slots=True, eq=False, repr=False)
class ClientView(Record):
    """The request as its client saw it, on the timeline's clock.

    `sent`: the call was made. `answered`: status and headers were there. `received`: so was the
    last byte of the body.
    """

    sent: int = field(metadata=MOMENT)
    answered: int | None = field(default=None, metadata=MOMENT)
    received: int | None = field(default=None, metadata=MOMENT)


@dataclass(slots=True, eq=False, repr=False)
class Timeline(Record):
    """The record of one request: its marks and its tasks.

    All times are integer nanoseconds of one monotonic clock, except `wall`, which is the wall
    clock (nanoseconds since the epoch) at `request_start`. A mark is None until it happens; the
    endpoint's marks stay None when the request does not use `Tasks`, or failed before its endpoint
    began. `request_end` is when the app was done with the request: None means that it is still
    open. `route` is the path as the app declares it, with the prefixes of its routers and mounts.
    `status` is None for a WebSocket that was accepted. `error` is the type of the exception that
    left the endpoint, or for which its tasks were discarded. `aborted` says that the response never
    reached its end, or that the app had heard by then that the client has left: where nobody
    listens, as while a plain endpoint runs, servers take the answer without a word.

    A timeline of kind `lifespan` records what an app started in its lifespan, such as a worker that
    runs for as long as the app does: it has no endpoint and no response.

    `id` counts the requests of a process from 1; lifespans have numbers of their own, from -1 down.

    Of very many, `tasks`, `spans` and `busy` hold only the last; `tasks_dropped`, `spans_dropped`
    and `busy_dropped` count the others.
    """

    id: int
    kind: Literal["http", "websocket", "lifespan"]
    method: str
    path: str
    wall: int
    request_start: int = field(metadata=MOMENT)
    route: str | None = None
    process: int = 0
    endpoint_start: int | None = field(default=None, metadata=MOMENT)
    endpoint_end: int | None = field(default=None, metadata=MOMENT)
    response_start: int | None = field(default=None, metadata=MOMENT)
    response_sent: int | None = field(default=None, metadata=MOMENT)
    request_end: int | None = field(default=None, metadata=MOMENT)
    status: int | None = None
    error: str | None = None
    aborted: bool = False
    tasks: list[TaskRecord] = field(default_factory=list, metadata=PART)
    spans: list[Span] = field(default_factory=list, metadata=PART)
    busy: list[Busy] = field(default_factory=list, metadata=PART)
    client: ClientView | None = field(default=None, metadata=PART)
    tasks_dropped: int = 0
    spans_dropped: int = 0
    busy_dropped: int = 0

    def __post_init__(self) -> None:
        if self.tasks:
            _number(self.tasks)
        if self.spans:
            _number(self.spans)

    def __repr__(self) -> str:
        state = "open" if self.request_end is None else self.status or "closed"
        return f"<Timeline {self.title}: {state}, {len(self.tasks)} tasks>"

    def __str__(self) -> str:
        from .table import table  # most apps never print one

        return table(self)

    @property
    def title(self) -> str:
        """The request in words, such as `POST /checkout #3`, without control characters."""
        return harmless(f"{self.method} {self.path} #{abs(self.id)}")

    @property
    def last(self) -> int:
        """The latest moment that the timeline knows, in nanoseconds of its clock."""
        return max(self._moments())

    @property
    def settled(self) -> bool:
        """Whether the request is answered and every task has ended."""
        return self.request_end is not None and all(t.outcome is not None for t in self.tasks)

    @property
    def order(self) -> list[str]:
        """The names of its tasks in the order of their start; one that never started has none."""
        started = [task for task in self.tasks if task.started is not None]
        return [task.name for task in sorted(started, key=lambda task: task.started or 0)]

    def task(self, name: str) -> TaskRecord:
        """Return the task of this name; of several, the one that was requested first.

        Raises LookupError, which names the tasks that the request has.
        """
        found = [task for task in self.tasks if task.name == name]
        if found:
            return min(found, key=lambda task: task.requested)
        others = ", ".join(dict.fromkeys(harmless(task.name) for task in self.tasks))
        raise LookupError(
            f"{self.title} has no task named {name!r}: "
            + (f"it has {others}" if others else "it scheduled none")
        )

    def _moments(self) -> Iterator[int]:
        for record in (self, *parts_of(self)):
            for name in moments(type(record)):
                time: int | None = getattr(record, name)
                if time is not None:
                    yield time


new_timeline: Callable[[int, str, str, str, int, int, int], Timeline] = maker(
    Timeline, "id", "kind", "method", "path", "wall", "request_start", "process"
)
"""Make a timeline as its constructor does, at a lower price."""


def _number(records: Iterable[Any]) -> None:
    for position, record in enumerate(records):
        if record.id < 0:
            record.id = position
