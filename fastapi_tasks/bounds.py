"""How much a recorder keeps, and what it lets go to keep no more."""

from __future__ import annotations

from .timeline import TaskRecord


class Bounds:
    """How much is kept: requests, and of each the last tasks, spans and busy segments."""

    def __init__(self, requests: int, tasks: int, spans: int, busy: int) -> None:
        self.requests = _at_least_one("maxlen", requests)
        self.tasks = _at_least_one("max_tasks", tasks)
        self.spans = _at_least_one("max_spans", spans)
        self.busy = _at_least_one("max_busy", busy)
        # An eighth more may come before some go, so that letting go costs next to nothing each.
        self.tasks_before_cut, self.spans_before_cut, self.busy_before_cut = (
            most + most // 8 for most in (self.tasks, self.spans, self.busy)
        )


def _at_least_one(words: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(
            f"{words} is {value!r}, but a recorder keeps at least one: give a whole number from 1"
        )
    return value


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
