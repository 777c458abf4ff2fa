"""What a round leaves: the plan, the ledger, the recording, the log and the output."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from fastapi_tasks import TaskRecord, Timeline

from .ledger import Entry
from .plan import Call, Plan, Work

# What a task writes while its function runs.
RUNNING = {"started", "awaits", "cancelled", "unwound", "raised", "ended"}

NAME = re.compile(r"c\d+(?:\.\d+)+")


class Line(NamedTuple):
    """A line of the log: when (nanoseconds of the recorder's clock) and what."""

    at: int
    text: str


@dataclass(frozen=True)
class Evidence:
    """All that a round left."""

    plan: Plan
    ledger: list[Entry]
    timelines: list[Timeline]
    log: list[Line]
    output: str = ""

    @cached_property
    def tasks(self) -> list[TaskRecord]:
        """Every task that was recorded."""
        return [task for timeline in self.timelines for task in timeline.tasks]

    @cached_property
    def entries(self) -> dict[str, list[Entry]]:
        """The lines of the ledger by whose they are."""
        found: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in self.ledger:
            found[entry.name].append(entry)
        return found

    @cached_property
    def cases(self) -> list[Case]:
        """Each task that was planned and recorded."""
        return list(self._find_cases())

    def _find_cases(self) -> Iterator[Case]:
        works = self.plan.works
        abandoned_at = self.first_logged("abandoned")
        for record in self.tasks:
            if record.name in works:
                call = self.plan.calls[int(record.name[1:].split(".")[0])]
                own = self.entries[record.name]
                yield Case(works[record.name], call, own, record, self.answered(call), abandoned_at)

    def answered(self, call: Call) -> int | None:
        """Return when the server had taken the whole answer, or None."""
        return next((one.at for one in self.entries[call.path] if one.what == "answered"), None)

    def named(self, word: str) -> set[str]:
        """Return the tasks that are named in a log line with this word."""
        lines = (line.text for line in self.log if word in line.text)
        return {name for line in lines for name in NAME.findall(line)}

    def first_logged(self, word: str) -> int | None:
        """Return when a line with this word was logged first, or None."""
        return next((line.at for line in self.log if word in line.text), None)


@dataclass(frozen=True)
class Case:
    """One task: what was asked for, what it wrote down, what was recorded of it.

    `answered` is when its request's answer had been sent, `abandoned_at` when the shutdown gave
    up; both are None where that did not happen.
    """

    work: Work
    call: Call
    entries: list[Entry]
    record: TaskRecord
    answered: int | None = None
    abandoned_at: int | None = None

    def when(self, what: str) -> int | None:
        """Return when the task wrote this down, or None."""
        return next((entry.at for entry in self.entries if entry.what == what), None)

    def wrote(self, what: str) -> bool:
        """Tell whether the task wrote this down."""
        return self.when(what) is not None

    @cached_property
    def running(self) -> list[Entry]:
        """What it wrote while its function ran."""
        return [entry for entry in self.entries if entry.what in RUNNING]
