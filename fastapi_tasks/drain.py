"""A shutdown: how the tasks of a runtime end within its limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

import anyio

from .job import Job
from .keeper import Keeper
from .limits import Limits
from .log import log
from .names import harmless

# What a cancelled task gets to say so, also where no time is left.
MOMENT = 0.1

NAMED = 100
"""So many tasks a log line names one by one; of the others it gives names and numbers."""


class Draining(Protocol):
    """What is drained."""

    keeper: Keeper
    live: dict[Job, None]
    limits: Limits
    cancelling: bool
    closed: bool


async def drain(runtime: Draining) -> None:
    """End all tasks within the limits.

    First all of them may finish, then unshielded ones are cancelled, at last the rest is abandoned.
    """
    limits = runtime.limits
    if runtime.live:
        log.warning(
            "shutdown: waiting up to %g s, for shielded tasks up to %g s: %s",
            limits.grace_period, limits.shutdown_timeout, _names(runtime.live),
        )  # fmt: skip
    await _idle(runtime, limits.grace_period)
    runtime.cancelling = True
    _cancel(runtime)
    await _idle(runtime, max(limits.shutdown_timeout - limits.grace_period, MOMENT))
    runtime.closed = True
    abandon(runtime, f"after {limits.shutdown_timeout:g} s of shutdown")
    await _idle(runtime, MOMENT)
    drop(runtime)


def abandon(runtime: Draining, when: str) -> None:
    """Give up whatever still runs, and name it."""
    left = [job for job in list(runtime.live) if job.abandon()]
    if left:
        log.error("shutdown: abandoned %s, still running: %s", when, _names(left))


def drop(runtime: Draining) -> None:
    """Never resume what is left."""
    left = list(runtime.live)
    unnamed = [job for job in left if job.record.outcome is None]
    for job in left:
        job.drop()
    if unnamed:
        log.error("shutdown: abandoned on the way back from a thread: %s", _names(unnamed))


def _cancel(runtime: Draining) -> None:
    unshielded = [job for job in list(runtime.live) if not job.config.shielded]
    # What has ended is still here for its error handler.
    handlers = dict.fromkeys(job for job in unshielded if job.record.outcome is not None)
    cancelled: list[Job] = []
    in_threads: list[Job] = []
    for job in unshielded:
        if not job.cancel():
            in_threads.append(job)
        elif job not in handlers:
            cancelled.append(job)
    grace = runtime.limits.grace_period
    if cancelled:
        log.warning(
            "shutdown: cancelled after the grace period of %g s: %s", grace, _names(cancelled)
        )
    if handlers:
        log.warning(
            "shutdown: cancelled error handlers after the grace period of %g s, of: %s",
            grace, _names(handlers),
        )  # fmt: skip
    if in_threads:
        log.warning(
            "shutdown: in a thread, where nothing can cancel them, so they are waited for up to "
            "%g s in all: %s",
            runtime.limits.shutdown_timeout, _names(in_threads),
        )  # fmt: skip


async def _idle(runtime: Draining, seconds: float) -> None:
    with anyio.move_on_after(seconds):
        await runtime.keeper.settling.until(lambda: not runtime.live)


def _names(jobs: Iterable[Job]) -> str:
    jobs = list(jobs)
    named = ", ".join(job.title for job in jobs[:NAMED])
    if len(jobs) <= NAMED:
        return named
    others = Counter(f"{harmless(job.record.name)} ({job.record.mode})" for job in jobs[NAMED:])
    counted = ", ".join(f"{name} × {times}" for name, times in others.items())
    return f"{named}, and {len(jobs) - NAMED} more: {counted}"
