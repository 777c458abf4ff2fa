"""How much a recorder keeps, and what it lets go to keep no more."""

from __future__ import annotations

from dataclasses import dataclass

from .timeline import TaskRecord

# What the recorder's user calls each bound.
_WORDS = {"requests": "maxlen", "tasks": "max_tasks", "spans": "max_spans", "busy": "max_busy"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: requests, and of each the last tasks, spans and busy segments."""

    requests: int
    tasks: int
    spans: int
    busy: int

    def __post_init__(self) -> None:
        for name, words in _WORDS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"{words} is {value!r}, but a recorder keeps at least one: "
                    "give a whole number from 1"
                )


def thin(tasks: list[TaskRecord], most: int) -> int:
    """Let the oldest tasks that have ended go, down to `most` if so many have; return how many."""
    spare = len(tasks) - most
    left: list[TaskRecord] = []
    for task in tasks:
        if spare and task.outcome is not None:
            spare -= 1
        else:
            left.append(task)
    dropped = len(tasks) - len(left)
    tasks[:] = left
    return dropped
