"""What rows and findings call a request or a task."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi_tasks import TaskRecord, Timeline, harmless


def route_of(timeline: Timeline) -> str:
    """Name the kind of request: its method and its route, or its path where it has no route."""
    return f"{timeline.method} {timeline.route or timeline.path}"


def requests_of(timelines: Iterable[Timeline]) -> list[Timeline]:
    """Leave out what the app did in its lifespan."""
    return [one for one in timelines if one.kind != "lifespan"]


def named(name: str) -> str:
    """Make a name harmless in a sentence, where what stands between backquotes is code to write."""
    return harmless(name).replace("`", "'")


def task_title(name: str, mode: str) -> str:
    """Name a kind of task in a sentence: `send_mail (after_response)`."""
    return f"{named(name)} ({mode})"


def title_of(timeline: Timeline, task: TaskRecord | None) -> str:
    """Name one request, or one task of it: `send_mail of POST /orders #3`."""
    return timeline.title if task is None else f"{harmless(task.name)} of {timeline.title}"


def ended_badly(task: TaskRecord) -> bool:
    """Tell whether a task ended in any way but `ok`, and nobody meant it to.

    What user code starts, it also cancels itself: a task group its children, a lifespan its
    workers, `asyncio.wait_for` what takes too long.
    """
    meant = task.mode == "spawned" and task.outcome == "cancelled"
    return task.outcome not in (None, "ok") and not meant
