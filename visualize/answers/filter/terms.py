"""What a filter is made of, and what each part of it is true of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import ClassVar, Literal

from fastapi_tasks.timeline import TaskRecord, Timeline

Operator = Literal[">", ">=", "<", "<="]

COMPARE: dict[Operator, Callable[[int, int], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}


class Term:
    """One thing that may be true of a request, of a task, or of either.

    What is true of a request is true of all its tasks; what is only true of tasks never is true of
    a request.
    """

    __slots__ = ()

    def of_request(self, timeline: Timeline) -> bool:  # noqa: ARG002
        """Tell whether it is true of the request itself."""
        return False

    def of_task(self, task: TaskRecord) -> bool:  # noqa: ARG002
        """Tell whether it is true of the task itself."""
        return False


@dataclass(frozen=True, slots=True)
class Word(Term):
    """A text, in lower case, somewhere in what a request or a task is called."""

    text: str

    def of_request(self, timeline: Timeline) -> bool:
        route = timeline.route or ""
        called = f"{timeline.method} {timeline.path} #{abs(timeline.id)} {route}"
        return self.text in called.lower()

    def of_task(self, task: TaskRecord) -> bool:
        return self.text in task.name.lower()


@dataclass(frozen=True, slots=True)
class Text(Term):
    """A text, in lower case, in one particular field, or all of it where `exact`."""

    text: str
    exact: bool = False

    def _in(self, found: str | None) -> bool:
        if found is None:
            return False
        return self.text == found.lower() if self.exact else self.text in found.lower()


class Name(Text):
    """The name of a task."""

    __slots__ = ()

    def of_task(self, task: TaskRecord) -> bool:
        return self._in(task.name)


class Route(Text):
    """The method and the route of a request, or its path where it has no route."""

    __slots__ = ()

    def of_request(self, timeline: Timeline) -> bool:
        return self._in(f"{timeline.method} {timeline.route or timeline.path}")


class Error(Text):
    """The type of what a task or an endpoint raised."""

    __slots__ = ()

    def of_request(self, timeline: Timeline) -> bool:
        return self._in(timeline.error)

    def of_task(self, task: TaskRecord) -> bool:
        return self._in(task.error)


class Method(Text):
    """The method of a request."""

    __slots__ = ()

    def of_request(self, timeline: Timeline) -> bool:
        return self._in(timeline.method)


class Mode(Text):
    """The mode of a task."""

    __slots__ = ()

    def of_task(self, task: TaskRecord) -> bool:
        return self._in(task.mode)


class Ending(Text):
    """The outcome of a task."""

    __slots__ = ()

    def of_task(self, task: TaskRecord) -> bool:
        return self._in(task.outcome)


@dataclass(frozen=True, slots=True)
class Status(Term):
    """A status of a response, from `lowest` to `highest`."""

    lowest: int
    highest: int

    def of_request(self, timeline: Timeline) -> bool:
        return timeline.status is not None and self.lowest <= timeline.status <= self.highest


@dataclass(frozen=True, slots=True)
class Thread(Term):
    """A task in a worker thread."""

    def of_task(self, task: TaskRecord) -> bool:
        return task.thread


@dataclass(frozen=True, slots=True)
class Lasting(Term):
    """A duration, in nanoseconds, beside a limit. One that is not known is neither over nor under.

    Each kind says of what: see those below.
    """

    operator: Operator
    limit: int
    what: ClassVar[str] = ""

    def _holds(self, duration: int | None) -> bool:
        return duration is not None and COMPARE[self.operator](duration, self.limit)


class Wait(Lasting):
    """Released to started."""

    __slots__ = ()

    def of_task(self, task: TaskRecord) -> bool:
        return self._holds(task.waited)


class Run(Lasting):
    """Started to finished."""

    __slots__ = ()

    def of_task(self, task: TaskRecord) -> bool:
        return self._holds(task.ran)


class Response(Lasting):
    """The request's start to the sending of its response."""

    __slots__ = ()

    def of_request(self, timeline: Timeline) -> bool:
        sent = timeline.response_sent
        return self._holds(None if sent is None else sent - timeline.request_start)


@dataclass(frozen=True, slots=True)
class Part:
    """A term, or its opposite."""

    term: Term
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """What an expression means: all of its parts hold. Without parts everything is a hit."""

    parts: tuple[Part, ...] = ()

    def matches(self, timeline: Timeline, task: TaskRecord | None = None) -> bool:
        """Tell whether the request itself, or this task of it, is a hit."""
        return all(
            (
                part.term.of_request(timeline)
                or (task is not None and part.term.of_task(task))
            ) is not part.negated
            for part in self.parts
        )  # fmt: skip

    def tasks(self, timeline: Timeline) -> list[TaskRecord]:
        """Return the tasks of a request that are hits."""
        open_parts = []
        for part in self.parts:
            # What is true of the request is settled for all of its tasks.
            if not part.term.of_request(timeline):
                open_parts.append(part)
            elif part.negated:
                return []
        return [
            task
            for task in timeline.tasks
            if all(part.term.of_task(task) is not part.negated for part in open_parts)
        ]
