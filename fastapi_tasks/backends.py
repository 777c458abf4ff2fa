"""The two event loops that tasks run on, behind one small face.

Tasks are not children of an AnyIO task group: one child's exception would end all the others, and
its bookkeeping costs more than the rest of a task together.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context
from typing import Any, Protocol


class Handle(Protocol):
    """What has been started."""

    def cancel(self) -> object:
        """Cancel it, at its next suspension or the one it is in."""


class Backend(Protocol):
    """What the runtime needs of an event loop."""

    def spawn(self, run: Callable[[], Awaitable[None]], context: Context, name: str) -> Handle:
        """Start `run` in `context` at the loop's next turn."""

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        """Call `callback` on the event loop, from any thread, in the order of these calls."""

    def hosting(self) -> AbstractAsyncContextManager[None]:
        """Keep what spawned tasks need for as long as this is open."""


class AsyncioBackend:
    """Plain asyncio tasks in the running loop."""

    def __init__(self) -> None:
        # Whoever runs a loop has loaded it; who only imports an app need not.
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._make_task = asyncio.Task

    def spawn(self, run: Callable[[], Any], context: Context, name: str) -> Handle:
        # Not loop.create_task(): an eager task factory would run the task inside schedule().
        return self._make_task(run(), loop=self._loop, name=name, context=context)

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        self._loop.call_soon_threadsafe(callback, *args)

    @asynccontextmanager
    async def hosting(self) -> AsyncIterator[None]:
        yield


class TrioBackend:
    """Children of a trio nursery, each in a cancel scope of its own."""

    def __init__(self) -> None:
        self._trio: Any = sys.modules["trio"]
        self._token = self._trio.lowlevel.current_trio_token()
        self._nursery: Any = None
        self._hosted: set[Any] = set()
        self._latest_begun: Any = self._trio.Event()
        self._latest_begun.set()

    def spawn(self, run: Callable[[], Any], context: Context, name: str) -> Handle:
        scope: Any = self._trio.CancelScope()
        before, begun = self._latest_begun, self._trio.Event()
        self._latest_begun = begun

        async def hosted() -> None:
            # Trio shuffles what is ready together; tasks begin in the order of their release.
            if not before.is_set():
                with self._trio.CancelScope(shield=True):
                    await before.wait()
            begun.set()
            task = self._trio.lowlevel.current_task()
            self._hosted.add(task)
            over = False
            try:
                with scope:
                    await run()
                    over = True
            except RuntimeError:
                # A dropped task never closed the cancel scopes that it had opened.
                if not over:
                    raise
            finally:
                self._hosted.discard(task)

        context.run(self._nursery.start_soon, hosted, name=name)
        handle: Handle = scope
        return handle

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        self._token.run_sync_soon(callback, *args)

    @asynccontextmanager
    async def hosting(self) -> AsyncIterator[None]:
        async with self._trio.open_nursery() as self._nursery:
            try:
                yield
            finally:
                self._nursery.cancel_scope.cancel()
                with self._trio.CancelScope(shield=True):
                    for _ in range(3):
                        await self._trio.lowlevel.checkpoint()
                self._wake_the_shielded()

    def _wake_the_shielded(self) -> None:
        """Resume the tasks that no cancellation reaches, so that the nursery can close.

        They are dropped by now: their coroutines stay where they stand.
        """
        outcome: Any = sys.modules["outcome"]
        for task in list(self._hosted):
            self._trio.lowlevel.reschedule(task, outcome.Value(None))


def current_backend() -> Backend:
    """Return the backend of the event loop that runs here."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        return TrioBackend()
    return AsyncioBackend()
