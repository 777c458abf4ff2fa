"""Tasks on asyncio, or on a loop that stands in for it."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from typing import Any

from anyio.lowlevel import current_token

from .face import Call, Handle, Threads, no_thread
from .worker import anyio_worker

IDLE_SECONDS = 10.0


class AsyncioLoop:
    """Plain asyncio tasks in the running loop."""

    cancelled: type[BaseException] = asyncio.CancelledError

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.call_soon = self._loop.call_soon_threadsafe

    def is_current(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def spawn(self, run: Callable[[], Any], context: Context, name: str) -> Handle:
        # Not loop.create_task(): an eager task factory would run the task inside schedule().
        return asyncio.Task(run(), loop=self._loop, name=name, context=context)

    @asynccontextmanager
    async def hosting(self) -> AsyncIterator[None]:
        yield

    def threads(self, limit: int) -> Threads:
        return DaemonThreads(limit, self.call_soon)


class DaemonThreads:
    """Daemon threads, started when needed and ended when idle.

    AnyIO's worker threads on asyncio are not daemons: one that never returned would keep the
    process from exiting, and a shutdown must not hang.
    """

    def __init__(self, limit: int, call_soon: Callable[..., object]) -> None:
        self._limit = limit
        self._call_soon = call_soon
        self._token = current_token()
        self._waiting: deque[tuple[Call, Callable[[], object]]] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._closed = False

    async def run(self, call: Call) -> Any:
        finished = asyncio.Event()
        self._submit(call, finished.set)
        try:
            await finished.wait()
        except BaseException:
            # Cancelled before a thread took it, it is never called.
            call.withdraw()
            raise
        return call.outcome()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _submit(self, call: Call, finished: Callable[[], object]) -> None:
        with self._changed:
            self._waiting.append((call, finished))
            if self._idle >= len(self._waiting):
                self._changed.notify()
            elif self._threads < self._limit:
                self._start_thread(call)

    def _start_thread(self, call: Call) -> None:
        name = f"fastapi_tasks worker {self._threads + 1}"
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError as error:
            # The system has no thread to give. Those that are there will come to the call; without
            # any, nobody ever would.
            if not self._threads:
                self._waiting.pop()
                call.withdraw()
                raise no_thread(error) from error
        else:
            self._threads += 1

    def _take(self) -> tuple[Call, Callable[[], object]] | None:
        with self._changed:
            while True:
                while self._waiting:
                    call, finished = self._waiting.popleft()
                    # Here, so that calls are taken in the order in which they came.
                    if call.take():
                        return call, finished
                self._idle += 1
                woken = not self._closed and self._changed.wait(IDLE_SECONDS)
                self._idle -= 1
                if not woken and not self._waiting:
                    self._threads -= 1
                    return None

    def _work(self) -> None:
        with anyio_worker(self._token):
            while (taken := self._take()) is not None:
                call, finished = taken
                call.run()
                # The loop may have closed: then the task was abandoned, and nobody waits any more.
                with suppress(RuntimeError):
                    self._call_soon(finished)
                del taken, call, finished
