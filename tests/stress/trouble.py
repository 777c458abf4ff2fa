"""Tasks and error handlers that do what nobody should, and what must come of each."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio

from fastapi_tasks import Task


class Trouble(BaseException):
    """Nothing that anybody expects."""


ERRORS: list[Callable[[], BaseException]] = [
    ValueError,
    lambda: ExceptionGroup("several", [ValueError(), KeyError()]),
    lambda: BaseExceptionGroup("several", [Trouble(), asyncio.CancelledError()]),
    lambda: BaseExceptionGroup("nested", [BaseExceptionGroup("several", [SystemExit(3)])]),
    asyncio.CancelledError,
    lambda: SystemExit(3),
    GeneratorExit,
    lambda: StopIteration(4),
    lambda: StopAsyncIteration(4),
    TimeoutError,
    Trouble,
]


@dataclass
class Deed:
    """What one task does, and what is to be recorded and reported of it."""

    func: Callable[[], Any]
    outcome: str = "ok"
    error: str | None = None
    reported: bool = False


def draw_deed(chance: random.Random, done: list[str]) -> Deed:
    """Draw a task that is in trouble, or one that must not notice; that adds to `done`."""
    makers = [_innocent, _innocent, _raising, _raising, _raising_in_group]
    # Trio tasks have no way to cancel themselves that a program could stumble into.
    if "trio" not in sys.modules or not sys.modules["trio"].lowlevel.in_trio_run():
        makers += [_aiming_at_itself, _aiming_and_going_on]
    return chance.choice(makers)(chance, done)


def _innocent(chance: random.Random, done: list[str]) -> Deed:
    seconds = chance.choice([0, 0.01, 0.5])

    async def on_loop() -> None:
        for _ in range(3):
            await anyio.sleep(seconds)
        done.append("on the loop")

    def in_thread() -> None:
        done.append("in a thread")

    return Deed(chance.choice([on_loop, in_thread]))


def _raising(chance: random.Random, done: list[str]) -> Deed:
    make = chance.choice(ERRORS)
    seconds = chance.choice([None, 0, 0.02])

    async def on_loop() -> None:
        if seconds is not None:
            await anyio.sleep(seconds)
        raise make()

    def in_thread() -> None:
        raise make()

    def awaited() -> Any:
        return on_loop()

    async def in_finally() -> None:
        try:
            raise make()
        finally:
            await anyio.sleep(0.01)

    return _failing(chance.choice([on_loop, in_thread, awaited, in_finally]), make())


def _failing(func: Callable[[], Any], error: BaseException) -> Deed:
    if isinstance(error, StopIteration):
        # Python itself does so with one that leaves a coroutine.
        error = RuntimeError()
    return Deed(func, "error", type(error).__name__, reported=isinstance(error, Exception))


def _raising_in_group(chance: random.Random, done: list[str]) -> Deed:
    async def child() -> None:
        await anyio.sleep(0.01)
        raise ValueError

    async def parent() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(child)
            group.start_soon(anyio.sleep, 100)

    return _failing(parent, ExceptionGroup("several", [ValueError()]))


def _aiming_at_itself(chance: random.Random, done: list[str]) -> Deed:
    times = chance.choice([1, 3])

    async def cancels_itself() -> None:
        cancel_current(times)
        await anyio.sleep(1)

    return _failing(cancels_itself, asyncio.CancelledError())


def _aiming_and_going_on(chance: random.Random, done: list[str]) -> Deed:
    async def swallows() -> None:
        cancel_current(1)
        try:
            await anyio.sleep(1)
        except asyncio.CancelledError:
            await anyio.sleep(0.01)
        done.append("after its own cancellation")

    async def ends_at_once() -> None:
        done.append("with its own cancellation under way")
        cancel_current(1)

    return Deed(chance.choice([swallows, ends_at_once]))


def cancel_current(times: int) -> None:
    """Cancel the asyncio task that runs."""
    current = asyncio.current_task()
    assert current is not None
    for _ in range(times):
        current.cancel()


def draw_handler(chance: random.Random, calls: list[str]) -> tuple[Any, bool]:
    """Draw an error handler, which adds to `calls`, and tell whether it fails itself."""
    make = chance.choice([None, *ERRORS])

    async def on_loop(task: Task[..., Any], error: Exception) -> None:
        calls.append(type(error).__name__)
        await anyio.sleep(0.01)
        if make is not None:
            raise make()

    def in_thread(task: Task[..., Any], error: Exception) -> None:
        calls.append(type(error).__name__)
        if make is not None:
            raise make()

    return chance.choice([on_loop, in_thread]), make is not None
