"""What the tests of the tutorial's claims share."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest
from fastapi import FastAPI
from starlette.types import Message

from fastapi_tasks import Mode, Recorder, TaskRecord, Timeline
from fastapi_tasks.scheduler import TasksBatch, TasksScheduler

MakeApp = Callable[..., FastAPI]

all_modes = pytest.mark.parametrize("mode", ["immediate", "after_route", "after_response"])


def of_mode(tasks: TasksScheduler, mode: Mode) -> TasksBatch:
    schedulers = {"after_route": tasks.after_route, "after_response": tasks.after_response}
    return schedulers.get(mode, tasks)


def last(recorder: Recorder) -> Timeline:
    assert recorder.last is not None
    return recorder.last


def ms(*moments: int | None) -> tuple[float | None, ...]:
    return tuple(None if moment is None else moment / 1e6 for moment in moments)


def times(task: TaskRecord) -> tuple[float | None, ...]:
    """Requested, released, started, finished: in milliseconds."""
    return ms(task.requested, task.released, task.started, task.finished)


def marks(timeline: Timeline) -> tuple[float | None, ...]:
    """Endpoint end, response start, response sent: in milliseconds."""
    return ms(timeline.endpoint_end, timeline.response_start, timeline.response_sent)


async def slow_send(message: Message) -> None:
    await anyio.sleep(0.02)
