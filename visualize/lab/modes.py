"""The same work in every way that a request can do it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
from fastapi import BackgroundTasks, FastAPI, Request
from starlette.concurrency import run_in_threadpool

from fastapi_tasks import Outcome, Span, TaskRecord, Tasks, Timeline, add_tasks, timeline_of
from fastapi_tasks.tasks import TasksScheduler
from fastapi_tasks.timeline import SpanKind

from .serving import serve

Work = Callable[..., Any]
Clock = Callable[[], int]


def compare_modes(
    work: Work, *args: Any, times: int = 1, endpoint: float = 0.01
) -> dict[str, Timeline]:
    """Run the same work inline, as Starlette's BackgroundTasks and in the three modes.

    Each way gets one real request, whose endpoint hands out `work(*args)` `times` times and then
    awaits something else for `endpoint` seconds. Inline work is no task: it is a span of its
    request. Starlette's tasks have the mode `background`. Raises ValueError for a negative number.
    """
    timelines = {}
    with serve(_app(work, args, times, endpoint), quiet=True) as lab:
        for way in WAYS:
            lab.warm_up("POST", f"/{way}")
            response = lab.post(f"/{way}")
            timelines[way] = lab.timeline(response)
    return timelines


async def compare_modes_async(
    work: Work,
    *args: Any,
    times: int = 1,
    endpoint: float = 0.01,
    in_process: bool | None = None,
) -> dict[str, Timeline]:
    """Do as `compare_modes` does, from code that is async; the only way in a browser.

    `in_process` is that of `serve`.
    """
    timelines = {}
    app = _app(work, args, times, endpoint)
    async with serve(app, quiet=True, in_process=in_process) as lab:
        for way in WAYS:
            await lab.warm_up("POST", f"/{way}")
            response = await lab.post(f"/{way}")
            timelines[way] = await lab.timeline(response)
    return timelines


def _app(work: Work, args: tuple[Any, ...], times: int, pause: float) -> FastAPI:
    for name, value in (("times", times), ("endpoint", pause)):
        if not value >= 0:
            raise ValueError(f"{name} is {value!r}: give a number from 0")
    work = partial(work, *args) if args else work
    app = FastAPI()
    recorder = add_tasks(app)

    @app.post("/{way}")
    async def endpoint(
        way: str, tasks: Tasks, background: BackgroundTasks, request: Request
    ) -> dict[str, str]:
        timeline = timeline_of(request)
        assert timeline is not None
        for _ in range(times):
            await WAYS[way](work, Hands(tasks, background, timeline, recorder.clock))
        await anyio.sleep(pause)
        return {"done": way}

    return app


@dataclass(frozen=True, slots=True)
class Hands:
    """Whom an endpoint can hand work to."""

    tasks: TasksScheduler
    background: BackgroundTasks
    timeline: Timeline
    clock: Clock


def _name(work: Work, way: str) -> str:
    function = work.func if isinstance(work, partial) else work
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{name.rpartition('<locals>.')[2]}, {way}"


class StarletteTask:
    """A call of `work` that Starlette runs, recorded as if it were watched."""

    def __init__(self, work: Work, hands: Hands) -> None:
        self._work = work
        self._clock = hands.clock
        tasks = hands.timeline.tasks
        name = _name(work, "BackgroundTask")
        self._record = TaskRecord(name, "background", hands.clock(), id=len(tasks))
        self._record.thread = not inspect.iscoroutinefunction(work)
        tasks.append(self._record)

    async def __call__(self) -> None:
        record = self._record
        record.released = self._clock()
        try:
            if record.thread:
                await run_in_threadpool(self._in_thread)
            else:
                record.started = self._clock()
                await self._work()
        except BaseException as error:
            self._end("error", type(error).__name__)
            raise
        self._end("ok")

    def _in_thread(self) -> None:
        self._record.started = self._clock()
        self._work()

    def _end(self, outcome: Outcome, error: str | None = None) -> None:
        self._record.finished = self._clock()
        self._record.error = error
        self._record.outcome = outcome


async def _inline(work: Work, hands: Hands) -> None:
    in_thread = not inspect.iscoroutinefunction(work)
    spans = hands.timeline.spans
    kind: SpanKind = "thread" if in_thread else "telemetry"
    span = Span(_name(work, "inline"), kind, hands.clock(), id=len(spans))
    spans.append(span)
    try:
        await (run_in_threadpool(work) if in_thread else work())
    except BaseException as error:
        span.error = type(error).__name__
        raise
    finally:
        span.end = hands.clock()


async def _starlette(work: Work, hands: Hands) -> None:
    hands.background.add_task(StarletteTask(work, hands))


async def _immediate(work: Work, hands: Hands) -> None:
    hands.tasks.schedule(work)


async def _after_route(work: Work, hands: Hands) -> None:
    hands.tasks.after_route.schedule(work)


async def _after_response(work: Work, hands: Hands) -> None:
    hands.tasks.after_response.schedule(work)


WAYS: dict[str, Callable[[Work, Hands], Awaitable[None]]] = {
    "inline": _inline,
    "BackgroundTasks": _starlette,
    "immediate": _immediate,
    "after_route": _after_route,
    "after_response": _after_response,
}
