"""Tasks on trio."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context
from typing import Any, TypeVar

import outcome
import trio
from anyio.lowlevel import current_token

from .face import Handle
from .left_open import close_nurseries, enclosed
from .worker import known_to_anyio

T = TypeVar("T")


class TrioLoop:
    """System tasks of trio, each in a cancel scope of its own.

    They are no children of a nursery, which closes only when the last of them has ended: what
    refuses to be cancelled, or is in a thread, may stand where it stands until the run ends.
    """

    def __init__(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self.call_soon = self._token.run_sync_soon
        self.enclosed = enclosed
        self._nursery: Any = None
        self._unlimited = trio.CapacityLimiter(math.inf)
        self._hosted: set[Any] = set()
        self._interrupt: KeyboardInterrupt | None = None
        self._latest_begun = trio.Event()
        self._latest_begun.set()

    def is_current(self) -> bool:
        return trio.lowlevel.in_trio_run() and trio.lowlevel.current_trio_token() is self._token

    def is_cancellation(self, error: BaseException, *, asked: bool) -> bool:  # noqa: ARG002
        # Nobody can raise one by himself: if it was not us, the loop is being torn down.
        return isinstance(error, trio.Cancelled)

    def spawn(self, run: Callable[[T], Any], job: T, context: Context, name: str) -> Handle:
        scope = trio.CancelScope()
        before, begun = self._latest_begun, trio.Event()
        self._latest_begun = begun

        async def hosted() -> None:
            # Trio shuffles what is ready together; tasks begin in the order of their release.
            if not before.is_set():
                with trio.CancelScope(shield=True):
                    await before.wait()
            begun.set()
            await self._host(run, job, scope)

        trio.lowlevel.spawn_system_task(hosted, name=name, context=context)
        return scope

    @contextmanager
    def going_on(self, cancelled: Handle) -> Iterator[Handle]:  # noqa: ARG002 - it stays cancelled
        with trio.CancelScope(shield=True) as scope:
            yield scope

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Handle:
        scope = trio.CancelScope()

        async def call() -> None:
            with scope:
                await trio.sleep(seconds)
                callback()

        # Not in the context of the task that asks.
        trio.lowlevel.spawn_system_task(call, context=Context())
        return scope

    async def _host(self, run: Callable[[T], Any], job: T, scope: trio.CancelScope) -> None:
        task = trio.lowlevel.current_task()
        self._hosted.add(task)
        over = False
        try:
            with scope:
                await run(job)
                over = True
                # Of an error handler, or of a dropped task.
                await close_nurseries()
        except KeyboardInterrupt as error:
            # From here it would end the run as a fault of trio's own.
            self._interrupt = error
            self._nursery.cancel_scope.cancel()
        except RuntimeError:
            # A dropped task never closed the cancel scopes that it had opened.
            if not over:
                raise
        finally:
            self._hosted.discard(task)

    def start_thread(
        self,
        work: Callable[[], None],
        name: str,  # noqa: ARG002 - trio keeps its threads for others, and names them itself
        failed: Callable[[RuntimeError], object],
    ) -> None:
        known = known_to_anyio(work, current_token())

        async def start() -> None:
            # Trio's own: only from those do AnyIO's calls find the way back.
            try:
                await trio.to_thread.run_sync(
                    known, abandon_on_cancel=True, limiter=self._unlimited
                )
            except RuntimeError as error:
                failed(error)

        # Not in the context of the task that needs it: the thread outlives that.
        Context().run(self._nursery.start_soon, start)

    @asynccontextmanager
    async def hosting(self) -> AsyncIterator[None]:
        raised: BaseException | None = None
        async with trio.open_nursery() as self._nursery:
            try:
                yield
            except trio.Cancelled:
                raise
            except BaseException as error:
                # The nursery would put it into a group.
                raised = error
            finally:
                self._nursery.cancel_scope.cancel()
                if self._hosted:
                    trio.lowlevel.spawn_system_task(self._let_go_at_the_end)
        raised = raised or self._interrupt
        if raised is not None:
            try:
                raise raised
            finally:
                del raised

    async def _let_go_at_the_end(self) -> None:
        """Resume, when the run ends, the tasks that no cancellation reaches: it waits for them.

        They are dropped by now: their coroutines stay where they stand.
        """
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                for _ in range(3):
                    await trio.lowlevel.checkpoint()
            for task in list(self._hosted):
                trio.lowlevel.reschedule(task, outcome.Value(None))
