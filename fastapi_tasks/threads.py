"""Worker threads for `def` tasks, apart from those that the app's `def` endpoints use."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import Any, Protocol, TypeVar

import anyio
import anyio.from_thread
from anyio.lowlevel import EventLoopToken, current_token

from .backends import Backend, TrioBackend

T = TypeVar("T")

IDLE_SECONDS = 10.0


class Job:
    """One call on its way through a worker thread."""

    __slots__ = ("begin", "call", "done", "error", "result")

    def __init__(
        self,
        begin: Callable[[], object],
        call: Callable[[], Any],
        done: Callable[[], object],
    ) -> None:
        self.begin = begin
        self.call = call
        self.done = done
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self.call()
        except BaseException as error:
            self.error = error
        self.done()


class Threads(Protocol):
    """Where `def` tasks run."""

    async def run(self, call: Callable[[], T], begin: Callable[[], object]) -> T:
        """Return what `call` returns in a worker thread, in a copy of this context.

        `begin` is called there just before, one job at a time and in their order. Cancelled
        before that, the call never runs; after that, it cannot be interrupted.
        """

    def close(self) -> None:
        """Let idle threads end, and busy ones when they are done."""


def make_threads(limit: int, backend: Backend) -> Threads:
    """Return worker threads for this backend, at most `limit` at a time."""
    if isinstance(backend, TrioBackend):
        return TrioThreads(limit)
    return DaemonThreads(limit, backend)


class TrioThreads:
    """Trio's own worker threads, which are daemons, under a limiter of our own."""

    def __init__(self, limit: int) -> None:
        self._trio: Any = sys.modules["trio"]
        self._limiter = self._trio.CapacityLimiter(limit)
        self._token = current_token()

    async def run(self, call: Callable[[], T], begin: Callable[[], object]) -> T:
        def job() -> list[T]:
            begin()
            with _anyio_worker(self._token):
                # In a list, because trio takes a returned coroutine for a mistake.
                return [call()]

        results: list[T] = await self._trio.to_thread.run_sync(
            job, limiter=self._limiter, abandon_on_cancel=True
        )
        return results[0]

    def close(self) -> None:
        """Do nothing: trio's threads serve whatever runs next."""


class DaemonThreads:
    """Daemon threads, started when needed and ended when idle.

    AnyIO's worker threads on asyncio are not daemons: one that never returned would keep the
    process from exiting, and a shutdown must not hang.
    """

    def __init__(self, limit: int, backend: Backend) -> None:
        self._limit = limit
        self._backend = backend
        self._token = current_token()
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._closed = False

    async def run(self, call: Callable[[], T], begin: Callable[[], object]) -> T:
        finished = anyio.Event()
        context = copy_context()
        job = Job(begin, lambda: context.run(call), lambda: self._report(finished))
        self._submit(job)
        try:
            await finished.wait()
        except BaseException:
            self._withdraw(job)
            raise
        if job.error is not None:
            try:
                raise job.error
            finally:
                del job
        result: T = job.result
        return result

    def close(self) -> None:
        """Let idle threads end, and busy ones when they are done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _submit(self, job: Job) -> None:
        with self._changed:
            self._jobs.append(job)
            if self._idle >= len(self._jobs):
                self._changed.notify()
            elif self._threads < self._limit:
                self._threads += 1
                name = f"fastapi_tasks worker {self._threads}"
                threading.Thread(target=self._work, name=name, daemon=True).start()

    def _withdraw(self, job: Job) -> None:
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)

    def _take(self) -> Job | None:
        with self._changed:
            while not self._jobs:
                self._idle += 1
                woken = not self._closed and self._changed.wait(IDLE_SECONDS)
                self._idle -= 1
                if not woken and not self._jobs:
                    self._threads -= 1
                    return None
            job = self._jobs.popleft()
            job.begin()
            return job

    def _work(self) -> None:
        with _anyio_worker(self._token):
            while (job := self._take()) is not None:
                job.run()
                del job

    def _report(self, finished: anyio.Event) -> None:
        # The loop may have closed: then the task was abandoned, and nobody waits any more.
        with suppress(RuntimeError):
            self._backend.call_soon(finished.set)


@contextmanager
def _anyio_worker(token: EventLoopToken) -> Iterator[None]:
    """Let `anyio.from_thread` find the event loop from this thread, as in AnyIO's own workers.

    There is no public way to say so for a thread that AnyIO did not start.
    """
    local: Any = anyio.from_thread.threadlocals  # type: ignore[attr-defined]
    local.current_token = token
    try:
        yield
    finally:
        del local.current_token
