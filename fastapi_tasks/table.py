"""A timeline as a plain text table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from .names import harmless
from .nesting import in_order

HEADINGS = ("task", "mode", "requested", "released", "started", "finished", "outcome")
SPANS = ("span", "of", "start", "end", "outcome")

MOST = 50
"""So many spans have a line; the others are counted."""
DEEPEST = 20
"""No line is indented further than that."""


def duration(nanoseconds: float) -> str:
    """Write a duration with the unit that suits it: `340 ns`, `1.2 ms`, `3.0 s`, `2.5 min`."""
    for unit, size in (("min", 60e9), ("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(nanoseconds) >= size:
            return f"{nanoseconds / size:.1f} {unit}"
    return f"{nanoseconds:.0f} ns"


def table(timeline: Any) -> str:
    """Write the request's marks on one line, and below its tasks and its spans.

    Times count from the request's start. Of very many spans, the last line says how many more.
    """
    tasks = [_row(task, timeline.request_start) for task in timeline.tasks]
    lines = [_heading(timeline)]
    if tasks:
        lines += _aligned([HEADINGS, *tasks])
    if timeline.spans:
        lines += _aligned([SPANS, *_spans(timeline)])
    return "\n".join([*lines, *_left_out(timeline)])


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


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


def _spans(timeline: Any) -> Iterator[tuple[str, ...]]:
    """One row a span, indented by what it is inside of."""
    names = {task.id: harmless(task.name) for task in timeline.tasks}
    for place, depth in islice(in_order(timeline.spans), MOST):
        span = timeline.spans[place]
        owner = "request" if span.task is None else names.get(span.task, "a task that was let go")
        end = "–" if span.end is None else duration(span.end - timeline.request_start)
        start = duration(span.start - timeline.request_start)
        indent = "  " * min(depth, DEEPEST)
        named = "" if span.name in ("", span.kind) else f" {span.name}"
        outcome = f"error {span.error}" if span.error else "running" if span.end is None else "ok"
        yield indent + harmless(f"{span.kind}{named}"), owner, start, end, harmless(outcome)


def _left_out(timeline: Any) -> Iterator[str]:
    more = len(timeline.spans) - MOST
    if more > 0:
        yield f"… and {more:,} more span{'' if more == 1 else 's'}"
    for what in ("task", "span"):
        gone = getattr(timeline, f"{what}s_dropped")
        if gone:
            yield f"… and {gone:,} earlier {what}{'' if gone == 1 else 's'}, let go"
