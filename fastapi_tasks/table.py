"""A timeline as a plain text table."""

from __future__ import annotations

from typing import Any

from .names import harmless

HEADINGS = ("task", "mode", "requested", "released", "started", "finished", "outcome")


def duration(nanoseconds: float) -> str:
    """Write a duration with the unit that suits it: `340 ns`, `1.2 ms`, `3.0 s`, `2.5 min`."""
    for unit, size in (("min", 60e9), ("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(nanoseconds) >= size:
            return f"{nanoseconds / size:.1f} {unit}"
    return f"{nanoseconds:.0f} ns"


def table(timeline: Any) -> str:
    """Write the request's marks on one line and its tasks below; times count from its start."""
    rows = [HEADINGS, *(_row(task, timeline.request_start) for task in timeline.tasks)]
    if len(rows) == 1:
        return _heading(timeline)
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join([_heading(timeline), *lines])


def _heading(timeline: Any) -> str:
    marks = {
        "endpoint end": timeline.endpoint_end,
        "response start": timeline.response_start,
        "response aborted" if timeline.aborted else "response sent": (
            timeline.request_end if timeline.aborted else timeline.response_sent
        ),
    }
    parts = (
        [timeline.title] if timeline.status is None else [f"{timeline.title}  {timeline.status}"]
    )
    if timeline.error is not None:
        parts.append(f"failed with {harmless(timeline.error)}")
    parts += [
        f"{name} {duration(time - timeline.request_start)}"
        for name, time in marks.items()
        if time is not None
    ]
    return "  |  ".join(parts)


def _row(task: Any, origin: int) -> tuple[str, ...]:
    times = (task.requested, task.released, task.started, task.finished)
    written = ("–" if time is None else duration(time - origin) for time in times)
    state = task.outcome or ("waiting" if task.started is None else "running")
    outcome = f"{state} {task.error}" if task.error else state
    return (harmless(task.name), task.mode, *written, harmless(outcome))
