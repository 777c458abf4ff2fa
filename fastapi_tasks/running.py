"""Runs a job to its end: on the event loop or in a thread, in a slot of its limit, for so long."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

import anyio

from .failing import failed, timed_out
from .job import Job, current
from .loops.threads import Call
from .states import HELD, QUEUED, RELEASED, RUNNING, STOPPING
from .steps import awaiting
from .telemetry import traced
from .watch.here import Here, here

T = TypeVar("T")


def release(job: Job) -> None:
    """Hand a job to the event loop; on its thread only."""
    if job.state is not HELD or job.context is None:
        return
    job.state = RELEASED
    record, place = job.record, job.place
    if record.released is None:
        record.released = place.keeper.clock()
    job.tell("released")
    job.handle = place.loop.spawn(_run, job, job.context, record.name)


async def _run(job: Job) -> None:
    """Run the function to its end, whatever it raises; only KeyboardInterrupt goes on up."""
    if job.state is not RELEASED:
        return
    current.set(job)
    if job.keeper.watching:
        here.set(Here(job.request, job.record.id))
    limit = job.config.limit
    coroutine = job.place.loop.enclosed(_work(job) if limit is None else _in_slot(job, limit))
    try:
        rest = job.first_step(coroutine)
        if rest is not None:
            await rest
        job.end("ok")
    except KeyboardInterrupt as error:
        job.end("error", error)
        raise
    except BaseException as error:
        await failed(job, error)
    finally:
        job.leave()


def _work(job: Job) -> Coroutine[Any, Any, Any]:
    coroutine = _in_thread(job) if job.coroutine is None else _begun(job, job.coroutine)
    tracer = job.place.tracer
    return coroutine if tracer is None else traced(coroutine, tracer, job.record)


def _begun(job: Job, coroutine: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
    job.state = RUNNING
    job.record.started = job.keeper.clock()
    job.tell_started()
    _begin_timeout(job)
    return coroutine


# In a slot of its limit -------------------------------------------------------------------------


async def _in_slot(job: Job, limit: int | anyio.CapacityLimiter) -> None:
    """Do the work as soon as its limit has a slot."""
    limiter = job.place.limiters.of(job.func, limit)
    await limiter.acquire_on_behalf_of(job)
    job.slot = limiter
    try:
        if job.state is not RELEASED:
            # Cancelled in the very moment in which the slot came free.
            return
        job.record.admitted = job.keeper.clock()
        job.tell("admitted")
        await _work(job)
    finally:
        # A thread that was let go is still at it: it gives the slot back itself.
        if job.returned or not (job.record.thread and job.record.outcome == "timeout"):
            _give_slot_back(job)


def _give_slot_back(job: Job) -> None:
    limiter, job.slot = job.slot, None
    if limiter is not None:
        limiter.release_on_behalf_of(job)


# In a thread ------------------------------------------------------------------------------------


async def _in_thread(job: Job) -> None:
    job.state = QUEUED
    # The context is that of this task, in which a span of its own may have begun.
    function = partial(copy_context().run, _call, job, job.func, job.args, job.kwargs)
    result = await job.in_pool(Call(function, partial(_taken, job), partial(_thread_begins, job)))
    if job.stop_as == "timeout":
        await timed_out(job, "; its thread goes on, since nothing can stop it")
    elif inspect.isawaitable(result):
        job.record.finished = None
        # Its time goes on.
        job.returned = False
        # Out of its thread, where nothing could cancel it.
        await awaiting(result)


def _taken(job: Job) -> None:
    job.record.started = job.keeper.clock()
    if job.state is QUEUED:
        job.state = RUNNING


def _thread_begins(job: Job) -> None:
    job.tell_started()
    if job.config.timeout is not None:
        job.place.loop.call_soon(_begin_timeout, job)


def _call(job: Job, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    try:
        return func(*args, **kwargs)
    finally:
        # Stamped here, since the way back to the event loop may be long.
        if job.record.outcome is None:
            job.record.finished = job.keeper.clock()
        job.returned = True
        if job.slot is not None:
            # The loop may have ended, and with it all that waited.
            with suppress(RuntimeError):
                job.place.loop.call_soon(_thread_is_over, job)


def _thread_is_over(job: Job) -> None:
    """Give back the slot of a task that has ended without its thread; others do so at their end."""
    if job.record.outcome is not None:
        _give_slot_back(job)


# For so long ------------------------------------------------------------------------------------


def _begin_timeout(job: Job) -> None:
    if job.config.timeout is not None and job.state is RUNNING:
        job.timer = job.place.loop.call_later(job.config.timeout, partial(_time_out, job))


def _time_out(job: Job) -> None:
    """Cancel a coroutine; let a thread go, which nothing can stop."""
    if job.state is not RUNNING or job.returned:
        return
    job.stop_as = "timeout"
    if job.call is None:
        job.state = STOPPING
        job.stop()
    else:
        # Woken, its coroutine finds that its thread has not returned.
        job.call.finished.set()
