"""The requests and tasks of a recording that a filter leaves."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

from fastapi_tasks.timeline import TaskRecord, Timeline

from .parsing import parse
from .terms import Filter


def select(timelines: Iterable[Timeline], expression: str | Filter) -> list[Timeline]:
    """Return the requests that match or have a task that does, each with only its matching tasks.

    They are copies that share tasks, spans and busy segments with the recording; spans of tasks
    that are left out are left out too. What held the loop stays, since it concerns every request.
    Raises FilterError, which points at the word that is wrong.
    """
    wanted = parse(expression) if isinstance(expression, str) else expression
    selected = []
    for timeline in timelines:
        hits = wanted.tasks(timeline)
        if hits or wanted.matches(timeline):
            selected.append(_with_tasks(timeline, hits))
    return selected


def _with_tasks(timeline: Timeline, tasks: Sequence[TaskRecord]) -> Timeline:
    # Not made anew, which would number its tasks again.
    copied = copy.copy(timeline)
    copied.tasks = list(tasks)
    copied.busy = list(timeline.busy)
    shown = {None, *(task.id for task in tasks)}
    copied.spans = [span for span in timeline.spans if span.task in shown]
    return copied
