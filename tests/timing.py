"""What a timeline says of its moments, in milliseconds, for tests of the timing contract."""

from collections.abc import Callable

import anyio
from fastapi import FastAPI
from starlette.types import Message

from fastapi_tasks import Recorder, TaskRecord, Timeline

MakeApp = Callable[..., FastAPI]


def ms(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e6


def times(task: TaskRecord) -> tuple[float | None, ...]:
    """Requested, released, started, finished: in milliseconds."""
    return ms(task.requested), ms(task.released), ms(task.started), ms(task.finished)


def marks(timeline: Timeline) -> tuple[float | None, ...]:
    """Endpoint end, response start, response sent: in milliseconds."""
    return ms(timeline.endpoint_end), ms(timeline.response_start), ms(timeline.response_sent)


def last(recorder: Recorder) -> Timeline:
    timeline = recorder.last
    assert timeline is not None
    return timeline


async def work(seconds: float = 0.1) -> None:
    await anyio.sleep(seconds)


async def slow_send(message: Message) -> None:
    await anyio.sleep(0.02)
