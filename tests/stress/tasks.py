"""What the tasks of a stress test do: they keep the ledger, schedule others, and end as planned.

Each has defaults, so that a call without its arguments would be seen.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel

from fastapi_tasks import Task
from fastapi_tasks.errors import FastAPITasksError

from .ledger import Ledger
from .plan import Work

NOTHING = Work("nothing", "function", "immediate", 0)

ledger = Ledger(Path(os.environ["STRESS_FOLDER"]) / "ledger")


async def coroutine(work: Work = NOTHING, *, token: int = 0, tasks: Any = None) -> None:
    ledger.note("started", work.name, token)
    await awaiting(work, tasks)


def function(work: Work = NOTHING, *, token: int = 0, tasks: Any = None) -> None:
    ledger.note("started", work.name, token)
    schedule(work.children[:1], tasks)
    time.sleep(work.seconds)
    finish(work, tasks)


def awaitable(work: Work = NOTHING, *, token: int = 0, tasks: Any = None) -> Any:
    ledger.note("started", work.name, token)
    return awaiting(work, tasks)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "coroutine": coroutine,
    "function": function,
    "awaitable": awaitable,
}


async def awaiting(work: Work, tasks: Any) -> None:
    ledger.note("awaits", work.name)
    schedule(work.children[:1], tasks)
    try:
        await anyio.sleep(work.seconds)
        if work.end == "never":
            await never()
    except anyio.get_cancelled_exc_class():
        ledger.note("cancelled", work.name)
        if work.end == "plain":
            raise
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.03)
        ledger.note("unwound", work.name)
        if work.end == "unwinds":
            raise
    hold_loop(work.holds)
    finish(work, tasks)


def hold_loop(seconds: float) -> None:
    time.sleep(seconds)


async def never() -> None:
    with anyio.CancelScope(shield=True):
        while True:
            await anyio.sleep(60)


def finish(work: Work, tasks: Any) -> None:
    schedule(work.children[1:], tasks)
    if work.error:
        ledger.note("raised", work.name)
        raise make_error(work.error)
    ledger.note("ended", work.name)


def make_error(kind: str) -> BaseException:
    """Return an error of this kind."""
    errors: dict[str, BaseException] = {
        "ValueError": ValueError(),
        "ExceptionGroup": ExceptionGroup("several", [ValueError(), LookupError()]),
        "BaseExceptionGroup": BaseExceptionGroup("several", [SystemExit(3), ValueError()]),
        "SystemExit": SystemExit(3),
        "GeneratorExit": GeneratorExit(),
        "CancelledError": asyncio.CancelledError(),
    }
    return errors[kind]


async def report(task: Task[..., Any], error: Exception) -> None:
    await anyio.lowlevel.checkpoint()
    ledger.note("reported", str(task.config.name))


def report_in_thread(task: Task[..., Any], error: Exception) -> None:
    ledger.note("reported", str(task.config.name))


HANDLERS = {None: None, "coroutine": report, "function": report_in_thread}


def schedule(works: tuple[Work, ...], tasks: Any) -> None:
    """Schedule these tasks, and write down that each of them was taken, or refused."""
    for work in works:
        mode = tasks if work.mode == "immediate" else getattr(tasks, work.mode)
        handler = HANDLERS[work.reported]
        chosen = mode.task(name=work.name, shield=work.shield, on_error=handler)
        try:
            chosen.schedule(FUNCTIONS[work.kind], work, token=work.token, tasks=tasks)
        except FastAPITasksError:
            ledger.note("refused", work.name)
        else:
            ledger.note("scheduled", work.name)
