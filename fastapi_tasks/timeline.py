"""The facts of one request and its tasks, as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from .table import table

Mode = Literal["immediate", "after_route", "after_response"]
"""When a task is released: in `schedule()`, after the endpoint, or after the response."""

Outcome = Literal["ok", "error", "cancelled", "discarded", "abandoned"]
"""How a task ended.

`cancelled` at shutdown; `discarded` unreleased, because the endpoint failed; `abandoned` still
running when the hard limit of the shutdown passed.
"""

MODES: tuple[Mode, ...] = ("immediate", "after_route", "after_response")
OUTCOMES: tuple[Outcome, ...] = ("ok", "error", "cancelled", "discarded", "abandoned")


@dataclass(slots=True)
class TaskRecord:
    """What happened to one task. Times are nanoseconds of the timeline's clock.

    `released`, `started` and `finished` are None until they happen, `outcome` until the task
    ends. `error` is the type of what was raised, never its message. `thread` tells a `def` task
    in its worker thread from a coroutine on the event loop. `parent` is the position in
    `Timeline.tasks` of the task that scheduled this one; None means the request itself did.
    """

    name: str
    mode: Mode
    requested: int
    released: int | None = None
    started: int | None = None
    finished: int | None = None
    outcome: Outcome | None = None
    error: str | None = None
    thread: bool = False
    shield: bool = False
    parent: int | None = None

    @property
    def waited(self) -> int | None:
        """Nanoseconds from requested to started, or None if it did not start."""
        return None if self.started is None else self.started - self.requested

    @property
    def ran(self) -> int | None:
        """Nanoseconds from started to finished, or None if it did not do both."""
        if self.started is None or self.finished is None:
            return None
        return self.finished - self.started


@dataclass(slots=True)
class Busy:
    """One step of a coroutine that held the event loop for longer than the threshold.

    `culprit` names the task, or the request (`POST /orders #3`). `task` is the task's position in
    `Timeline.tasks`; None means that the request itself, or another request's work, held it.
    """

    start: int
    end: int
    culprit: str
    task: int | None = None


@dataclass(slots=True)
class ClientView:
    """The request as its client saw it, on the timeline's clock.

    `sent`: the call was made. `answered`: status and headers were there. `received`: so was the
    last byte of the body.
    """

    sent: int
    answered: int | None = None
    received: int | None = None


@dataclass(slots=True, repr=False)
class Timeline:
    """The record of one request: its marks and its tasks.

    All times are integer nanoseconds of one monotonic clock, except `wall`, which is the wall
    clock (nanoseconds since the epoch) at `request_start`, reckoned back from the moment when
    somebody first looked. A mark is None until it happens; the endpoint's marks stay None when
    the request does not use `Tasks`, or failed before its endpoint began. `request_end` is when
    the app was done with the request: None means that it is still open. `status` is None for a
    WebSocket that was accepted. `error` is the type of the exception that left the endpoint, or
    that made its tasks be discarded. `aborted` says that the response never reached its end.
    """

    id: int
    kind: Literal["http", "websocket"]
    method: str
    path: str
    wall: int
    request_start: int
    route: str | None = None
    process: int = 0
    endpoint_start: int | None = None
    endpoint_end: int | None = None
    response_start: int | None = None
    response_sent: int | None = None
    request_end: int | None = None
    status: int | None = None
    error: str | None = None
    aborted: bool = False
    tasks: list[TaskRecord] = field(default_factory=list)
    busy: list[Busy] = field(default_factory=list)
    client: ClientView | None = None

    def __repr__(self) -> str:
        state = "open" if self.request_end is None else self.status or "closed"
        return f"<Timeline {self.title}: {state}, {len(self.tasks)} tasks>"

    def __str__(self) -> str:
        return table(self)

    @property
    def title(self) -> str:
        """The request in words, such as `POST /checkout #3`."""
        return f"{self.method} {self.path} #{self.id}"

    @property
    def last(self) -> int:
        """The latest moment that the timeline knows, in nanoseconds of its clock."""
        return max(self._moments())

    @property
    def settled(self) -> bool:
        """Whether the request is answered and every task has ended."""
        return self.request_end is not None and all(t.outcome is not None for t in self.tasks)

    def _moments(self) -> Iterator[int]:
        marks = (
            self.endpoint_start,
            self.endpoint_end,
            self.response_start,
            self.response_sent,
            self.request_end,
        )
        yield self.request_start
        yield from (mark for mark in marks if mark is not None)
        for task in self.tasks:
            yield task.requested
            times = (task.released, task.started, task.finished)
            yield from (time for time in times if time is not None)
        yield from (segment.end for segment in self.busy)
        if self.client is not None:
            times = (self.client.sent, self.client.answered, self.client.received)
            yield from (time for time in times if time is not None)
