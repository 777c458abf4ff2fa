"""What follows when a task fails: it is logged once, and its error handler hears of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any

from .callables import is_coroutine_function
from .job import Job
from .log import log
from .loops.threads import Call
from .states import ENDED
from .task import Task, TaskErrorHandler


async def failed(job: Job, error: BaseException) -> None:
    """End a job whose function raised `error`, or was cancelled by it."""
    if job.state is ENDED:
        return
    if job.place.loop.is_cancellation(error, asked=job.stopped):
        if job.stop_as == "timeout":
            await timed_out(job)
            return
        job.end("cancelled")
        if not job.stopped:
            log.warning("task %s was cancelled, with the app's lifespan", job.title)
        return
    job.end("error", error)
    record = job.record
    ran = "" if record.ran is None else f" after {record.ran / 1e6:.1f} ms"
    log.error("task %s failed%s", job.title, ran, exc_info=error)
    await _report(job, error)


async def timed_out(job: Job, note: str = "") -> None:
    """End a job that ran for as long as it may; `note` goes into the log."""
    seconds = job.config.timeout
    job.end("timeout")
    log.error("task %s timed out after %g s%s", job.title, seconds, note)
    await _report(job, TimeoutError(f"the task ran for longer than {seconds:g} s"))


async def _report(job: Job, error: BaseException) -> None:
    handler = job.config.on_error
    if handler is None or job.task is None or not isinstance(error, Exception):
        return
    if job.stop_as != "timeout" or job.handle is None:
        await _handle_error(job, handler, job.task, error)
        return
    # The time was the function's, not the handler's.
    with job.place.loop.going_on(job.handle) as job.handle:
        job.stopped = False
        await _handle_error(job, handler, job.task, error)


async def _handle_error(
    job: Job, handler: TaskErrorHandler, task: Task[..., Any], error: Exception
) -> None:
    try:
        if is_coroutine_function(handler):
            result = handler(task, error)
        else:
            call: Callable[[], Any] = partial(copy_context().run, handler, task, error)
            result = await job.in_pool(Call(call))
        if inspect.isawaitable(result):
            rest = job.first_step(result)
            if rest is not None:
                await rest
    except KeyboardInterrupt:
        raise
    except BaseException as failure:
        if not job.stopped:
            log.error("on_error of task %s failed itself", job.title, exc_info=failure)
