"""Findings, summary, difference and filter of up to 20,000 requests: seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from fastapi_tasks import Busy, Timeline
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from tests.samples import MS, random_timelines
from visualize import difference, explain, select, summary

SIZES = (5_000, 10_000, 20_000)
TASKS_PER_REQUEST = 3
TIMES = 3
FILTER = "-outcome:ok wait>1ms route:/items"

UNIT = f"seconds of processor time, {TASKS_PER_REQUEST} tasks a request, half of them failed"
COLUMNS = ["explain, summary", "explain", "summary", "difference", "select"]


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Answer for recordings in which nothing, or one request in twenty, holds the loop."""
    subject = Subject(UNIT, COLUMNS)
    for size in SIZES[:2] if quick else SIZES:
        progress.step(f"{size:,} requests")
        quiet = random_timelines(size, TASKS_PER_REQUEST)
        _enter(subject, f"{size:,} requests", quiet)
        progress.step(f"{size:,} requests, loop held")
        _enter(subject, f"{size:,} requests, loop held", held(quiet))
    return subject


def held(timelines: list[Timeline]) -> list[Timeline]:
    """Let a task of every twentieth request hold the loop for 60 ms."""
    for timeline in timelines[::20]:
        task = timeline.tasks[0]
        start = task.started or 0
        timeline.busy.append(Busy(start, start + 60 * MS, task.name, task.id))
    return timelines


def _enter(subject: Subject, row: str, timelines: list[Timeline]) -> None:
    # The first call imports what it needs.
    difference(timelines[:1], timelines[:1]), explain(timelines[:1]), select(timelines[:1], FILTER)
    findings, sums = _timed(lambda: explain(timelines)), _timed(lambda: summary(timelines))
    half = len(timelines) // 2
    compared = _timed(lambda: difference(timelines[:half], timelines[half:]))
    selected = _timed(lambda: select(timelines, FILTER))
    times = (findings + sums, findings, sums, compared, selected)
    subject.rows[row] = {name: round(time, 3) for name, time in zip(COLUMNS, times, strict=True)}


def _timed(answer: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(TIMES):
        began = time.process_time()
        answer()
        best = min(best, time.process_time() - began)
    return best
