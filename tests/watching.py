"""A watched request in the test's own hands, and what was recorded of it as lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

from fastapi_tasks import Recorder
from fastapi_tasks.keeper import Keeper
from fastapi_tasks.recorder import keeper_of
from fastapi_tasks.timeline import Span, TaskRecord, Timeline
from fastapi_tasks.watch.here import Here, here


class Made:
    """What hooks see of a request."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.timeline = Timeline(1, "http", "GET", "/", 0, keeper.clock())
        self.thread = get_ident()
        self.background: list[TaskRecord] = []


@contextmanager
def watched(recorder: Recorder | None = None, task: int | None = None) -> Iterator[Timeline]:
    """Run the block as a part of a watched request, or of one of its tasks."""
    made = Made(keeper_of(recorder or Recorder()))
    token = here.set(Here(made, task))
    try:
        yield made.timeline
    finally:
        assert here.get() is not None
        here.reset(token)


def tree(timeline: Timeline, *, without: str = "") -> list[str]:
    """The spans in the order of their start, each below the one that it is inside of."""
    lines: list[str] = []

    def add(parent: int | None, depth: int) -> None:
        inside = [span for span in timeline.spans if span.parent == parent]
        for span in sorted(inside, key=lambda span: span.start):
            if span.kind != without:
                lines.append("  " * depth + described(span))
                add(span.id, depth + 1)

    add(None, 0)
    return lines


def whole(timeline: Timeline) -> list[str]:
    """All of a request: its own spans, then its tasks as they were started, each with its own."""
    spans = {span.id for span in timeline.spans}
    lines: list[str] = []

    def add(task: int | None, parent: int | None, depth: int) -> None:
        for span in sorted(timeline.spans, key=lambda span: span.start):
            outside = span.parent if span.parent in spans else None
            # The wait for a thread, a connection or the first part of a stream is the
            # machine's affair.
            is_machines = span.kind == "pool" or span.name == "first part"
            if (span.task, outside) == (task, parent) and not is_machines:
                lines.append("  " * depth + described(span))
                add(task, span.id, depth + 1)
        if parent is None:
            for one in timeline.tasks:
                if one.parent == task:
                    told = f"{one.mode} {one.name}: {one.outcome}"
                    lines.append("  " * depth + told + (f" ! {one.error}" if one.error else ""))
                    add(one.id, None, depth + 1)

    add(None, None, 0)
    return lines


def described(span: Span) -> str:
    told = [span.kind, span.name]
    if span.error is not None:
        told.append(f"! {span.error}")
    if span.end is None:
        told.append("…")
    return " ".join(told)


def assert_in_time(timeline: Timeline) -> None:
    """Every span lies within the one that it is inside of."""
    spans = {span.id: span for span in timeline.spans}
    assert len(spans) == len(timeline.spans)
    for span in timeline.spans:
        assert span.end is not None
        assert span.start <= span.end
        if span.parent is not None:
            outer = spans[span.parent]
            assert outer.start <= span.start
            assert outer.end is not None
            assert span.end <= outer.end
