"""Run a coroutine step by step, and watch how long each step holds the event loop.

A step is what runs between two suspensions, so nothing else can run meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import CoroutineType, TracebackType
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Dropped(BaseException):
    """Raised in place of the next step of a coroutine that is not to be resumed."""


OVER: Any = object()
"""What `next(steps, OVER)` returns after the last step: an exception would cost a request 0.02."""


class Beat:
    """Which step a loop is at: written on its own thread, read by the one that watches it.

    `begun` is when the step under way began, None between steps; `ended` when the last one ended.
    `on_begin` is called once with the moment at which the next step begins, and takes itself away.
    """

    __slots__ = ("begun", "ended", "on_begin")

    def __init__(self) -> None:
        self.begun: int | None = None
        self.ended = 0
        self.on_begin: Callable[[int], object] | None = None


class Books(Protocol):
    """Where it is written down what held a loop."""

    clock: Callable[[], int]
    busy_limit: float
    watching: bool


class Owner:
    """Whose steps are watched: it is told of every one that is longer than its keeper's limit."""

    __slots__ = ()

    keeper: Books
    dropped: bool
    """Whether the coroutine is not to be resumed any more."""

    @property
    def beat(self) -> Beat | None:
        """What is told of each step; None where nobody watches the loop from outside."""
        raise NotImplementedError

    def held_loop(self, begun: int, ended: int) -> None:
        """Take note that one step held the event loop from `begun` to `ended`, in nanoseconds."""
        raise NotImplementedError

    def first_step(self, call: Awaitable[object]) -> Steps | None:
        """Run a coroutine to its first suspension, in one step.

        Return the other steps, to be awaited at once; None if it is over. For most requests and
        tasks the first step is the last: a coroutine around all of them would cost a request 0.01.
        """
        coroutine: Any = call if type(call) is CoroutineType else awaiting(call)
        keeper = self.keeper
        if keeper.watching:
            beat = self.beat
            if beat is not None:
                return self._first_beating_step(coroutine, beat)
        clock = keeper.clock
        begun = clock()
        try:
            awaited = next(coroutine.__await__(), OVER)
        finally:
            ended = clock()
            if ended - begun > keeper.busy_limit:
                self.held_loop(begun, ended)
        return None if awaited is OVER else Steps(coroutine, awaited, self)

    def _first_beating_step(
        self, coroutine: Coroutine[Any, Any, object], beat: Beat
    ) -> Steps | None:
        if beat.begun is not None:
            # A step inside another is part of it: what it holds, it holds once.
            awaited = next(coroutine.__await__(), OVER)
        else:
            clock = self.keeper.clock
            begun = beat.begun = clock()
            if beat.on_begin is not None:
                beat.on_begin(begun)
            try:
                awaited = next(coroutine.__await__(), OVER)
            finally:
                ended = beat.ended = clock()
                beat.begun = None
                if ended - begun > self.keeper.busy_limit:
                    self.held_loop(begun, ended)
        return None if awaited is OVER else BeatingSteps(coroutine, awaited, self, beat)


async def awaiting(awaitable: Awaitable[T]) -> T:
    """Await what may not be a coroutine, as one."""
    return await awaitable


class Steps:
    """Awaits the steps of a coroutine that follow its first, which suspended with `awaited`.

    It stands for the coroutine itself to whoever walks the chain of awaits (debuggers, samplers,
    asyncio's and trio's own stacks), so that the library hides nothing. A dropped coroutine is left
    where it stands, even one that refuses to be cancelled.
    """

    __slots__ = ("_awaited", "_clock", "_coroutine", "_limit", "_owner")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, object],
        awaited: Any,
        owner: Owner,
    ) -> None:
        self._coroutine = coroutine
        self._awaited = awaited
        self._owner = owner
        self._clock = owner.keeper.clock
        self._limit = owner.keeper.busy_limit

    def __await__(self) -> Generator[Any, Any, None]:
        # It has all that the interpreter asks of one.
        return self  # type: ignore[return-value]

    def __iter__(self) -> Steps:
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        """Resume the coroutine for one step."""
        if self._awaited is not OVER:
            awaited, self._awaited = self._awaited, OVER
            return awaited
        try:
            return self._step(self._coroutine.send, value)
        finally:
            # It may hold an error, whose traceback holds this frame: together they would wait for
            # the garbage collector.
            del value

    def throw(
        self,
        error: Any,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> Any:
        """Resume the coroutine for one step, with an exception."""
        if value is not None:
            error = value
        if traceback is not None:
            error = error.with_traceback(traceback)
        try:
            return self._step(self._coroutine.throw, error)
        finally:
            del error, value  # as in send()

    def close(self) -> None:
        """Close the coroutine, but not a dropped one, which would go on for another step."""
        if not self._owner.dropped:
            self._coroutine.close()

    def _step(self, resume: Callable[[Any], Any], value: Any) -> Any:
        if self._owner.dropped:
            self._leave()
        begun = self._clock()
        try:
            return resume(value)
        finally:
            del value  # as in send()
            ended = self._clock()
            if ended - begun > self._limit:
                self._owner.held_loop(begun, ended)

    def _leave(self) -> None:
        # Garbage, its coroutine would be closed: one that refuses to end would go on for another
        # step, in the middle of whatever runs at that moment, or at the interpreter's exit without
        # a loop. So it gets a reference that is never given back.
        import ctypes  # elsewhere nobody needs it

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._coroutine))
        raise Dropped

    def __getattr__(self, name: str) -> Any:
        # Its name, its frame, its code, what it awaits.
        return getattr(self._coroutine, name)


class BeatingSteps(Steps):
    """Steps that a thread outside can follow."""

    __slots__ = ("_beat",)

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, object],
        awaited: Any,
        owner: Owner,
        beat: Beat,
    ) -> None:
        super().__init__(coroutine, awaited, owner)
        self._beat = beat

    def _step(self, resume: Callable[[Any], Any], value: Any) -> Any:
        if self._owner.dropped:
            self._leave()
        beat = self._beat
        if beat.begun is not None:
            try:
                return resume(value)
            finally:
                del value  # as in send()
        begun = beat.begun = self._clock()
        if beat.on_begin is not None:
            beat.on_begin(begun)
        try:
            return resume(value)
        finally:
            del value  # as in send()
            ended = beat.ended = self._clock()
            beat.begun = None
            if ended - begun > self._limit:
                self._owner.held_loop(begun, ended)


def steps_of(coroutine: Coroutine[Any, Any, object], owner: Owner) -> Steps:
    """Return the steps of a coroutine that has not begun, watched as its first would be."""
    beat = owner.beat
    if beat is None:
        return Steps(coroutine, OVER, owner)
    return BeatingSteps(coroutine, OVER, owner, beat)
