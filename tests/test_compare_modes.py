"""The same work in every way: inline, as BackgroundTasks and in the three modes."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from fastapi_tasks import Timeline
from visualize.lab import compare_modes


@pytest.fixture(autouse=True)
def _nothing_is_left() -> object:
    yield
    assert [t for t in threading.enumerate() if t.name == "lab server"] == []


async def nap() -> None:
    await asyncio.sleep(0.03)


def block() -> None:
    time.sleep(0.03)


@pytest.mark.parametrize("work", [nap, block])
def test_the_same_work_is_done_in_every_way(work: object) -> None:
    timelines = compare_modes(work, times=2)  # type: ignore[arg-type]
    name = work.__name__  # type: ignore[attr-defined]
    assert {
        way: [(t.name, t.mode, t.thread) for t in one.tasks] for way, one in timelines.items()
    } == {
        "inline": [],
        "BackgroundTasks": [(f"{name}, BackgroundTask", "background", work is block)] * 2,
        "immediate": [(name, "immediate", work is block)] * 2,
        "after_route": [(name, "after_route", work is block)] * 2,
        "after_response": [(name, "after_response", work is block)] * 2,
    }
    # It is no task, and not drawn as one.
    kind = "thread" if work is block else "telemetry"
    inline = [(span.name, span.kind) for span in timelines["inline"].spans]
    assert inline == [(f"{name}, inline", kind)] * 2
    assert all(one.settled for one in timelines.values())
    assert all(one.status == 200 for one in timelines.values())
    assert all(task.outcome == "ok" for one in timelines.values() for task in one.tasks)


def moments(timeline: Timeline, *names: str) -> list[int]:
    """Find marks, and moments of tasks and spans such as `started 0` and `end 0`."""
    found = []
    for name in names:
        moment, _, position = name.partition(" ")
        parts: list[Any] = timeline.spans if moment in ("start", "end") else timeline.tasks
        owner = parts[int(position)] if position else timeline
        found.append(getattr(owner, moment))
    return found


def test_each_way_does_the_work_at_its_own_time() -> None:
    timelines = compare_modes(nap, times=2)
    orders = {
        "inline": ("endpoint_start", "start 0", "end 0", "start 1", "end 1", "endpoint_end"),
        "BackgroundTasks": (
            "requested 0", "requested 1", "endpoint_end", "response_sent",
            "released 0", "started 0", "finished 0", "released 1", "finished 1", "request_end",
        ),
        "immediate": ("released 0", "started 0", "started 1", "endpoint_end", "finished 0"),
        "after_route": ("endpoint_end", "released 0", "released 1", "response_start", "finished 0"),
        "after_response": ("response_sent", "released 0", "released 1", "started 0", "finished 0"),
    }  # fmt: skip
    for way, names in orders.items():
        found = moments(timelines[way], *names)
        assert found == sorted(found), way


def test_work_that_fails_is_shown_as_it_failed() -> None:
    async def fail(reason: str) -> None:
        raise ValueError(reason)

    timelines = compare_modes(fail, "no")
    inline = timelines.pop("inline")
    assert (inline.status, inline.spans[0].error) == (500, "ValueError")
    assert {
        way: (t.status, t.tasks[0].outcome, t.tasks[0].error) for way, t in timelines.items()
    } == {
        "BackgroundTasks": (200, "error", "ValueError"),
        "immediate": (200, "error", "ValueError"),
        "after_route": (200, "error", "ValueError"),
        "after_response": (200, "error", "ValueError"),
    }


@pytest.mark.parametrize("options", [{"times": -1}, {"endpoint": float("nan")}])
def test_impossible_numbers_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"give a number from 0$"):
        compare_modes(nap, **options)  # type: ignore[arg-type]
