"""Tasks on asyncio, or on a loop that stands in for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context
from typing import Any, TypeVar

from anyio.lowlevel import current_token

from .face import Handle
from .worker import known_to_anyio

T = TypeVar("T")


class AsyncioLoop:
    """Plain asyncio tasks in the running loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.call_soon = self._loop.call_soon_threadsafe

    def is_current(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def is_cancellation(self, error: BaseException, *, asked: bool) -> bool:
        # Any code may raise one by itself, or cancel the task that it runs in.
        return asked and isinstance(error, asyncio.CancelledError)

    def spawn(self, run: Callable[[T], Any], job: T, context: Context, name: str) -> Handle:
        # Not loop.create_task(): an eager task factory would run the task inside schedule().
        return asyncio.Task(run(job), loop=self._loop, name=name, context=context)

    def enclosed(self, coroutine: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        # What is left open here hurts nobody: what runs in it goes on by itself.
        return coroutine

    @contextmanager
    def going_on(self, cancelled: Any) -> Iterator[Handle]:
        # It has heard of it, but it counts: the block's own timeouts and groups look at that.
        cancelled.uncancel()
        yield cancelled

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Handle:
        return self._loop.call_later(seconds, callback)

    def start_thread(
        self, work: Callable[[], None], name: str, failed: Callable[[RuntimeError], object]
    ) -> None:
        # AnyIO's own are no daemons: one that never returned would keep the process from exiting,
        # and a shutdown must not hang.
        try:
            threading.Thread(
                target=known_to_anyio(work, current_token()), name=name, daemon=True
            ).start()
        except RuntimeError as error:
            failed(error)

    @asynccontextmanager
    async def hosting(self) -> AsyncIterator[None]:
        yield
