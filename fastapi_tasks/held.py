"""What held the event loops of an app: whose step it was, and who had to wait for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import get_ident
from typing import Any, NamedTuple, Protocol

from .steps import Beat
from .timeline import MACHINE, Busy, TaskRecord, Timeline


class OpenRequest(Protocol):
    """A request that has not ended."""

    thread: int

    @property
    def timeline(self) -> Timeline:
        """Its record."""


class Books(Protocol):
    """Where it is written down."""

    busy_limit: float
    open: dict[Any, None]

    def add_busy(self, timeline: Timeline, busy: Busy) -> None:
        """Put a busy segment into a request's timeline."""


class Told(NamedTuple):
    """What was seen from outside while something held a loop.

    `line` is the source line that held it, where it is known. `thread` is the function of another
    thread, which kept the interpreter lock so that the loop could not go on; None where the loop
    itself was at work. `machine` says that it was kept from its work, and no code of the app is
    known to have done that: the machine gave the processors, or the lock, to others.
    """

    line: str | None = None
    thread: str | None = None
    machine: bool = False


class LoopWatch(Protocol):
    """What looks at one loop's thread from another."""

    beat: Beat
    users: int

    def stop(self) -> None:
        """Look no more."""

    def told_of(self, begun: int) -> Told:
        """Tell what held the loop in the step that began then and has just ended."""


class HeldLoops:
    """Records what held a loop, for its culprit and for every request that waited."""

    def __init__(self, books: Books) -> None:
        self._books = books
        # By the thread that each loop runs on.
        self.watches: dict[int, LoopWatch] = {}
        # The last steps, of all loops: a step may stand inside of one that ends later.
        self._steps: deque[tuple[int, int, int]] = deque(maxlen=64)

    def beat_of(self, thread: int) -> Beat | None:
        """Return what is to be told of a loop's steps, None where nobody watches it."""
        watch = self.watches.get(thread)
        return None if watch is None else watch.beat

    def by_step(
        self, culprit: OpenRequest, begun: int, ended: int, task: TaskRecord | None = None
    ) -> None:
        """Record a step of a request, or of a task of its, that held the loop of this thread.

        What steps inside of it have held is recorded with those.
        """
        thread = get_ident()
        told = self.watches[thread].told_of(begun) if thread in self.watches else Told()
        for start, end in self._not_yet_held(begun, ended, thread):
            self._add(culprit, start, end, task, told, thread)

    def by_other(self, culprit: str, begun: int, ended: int, line: str | None, thread: int) -> None:
        """Record what held the loop of this thread, and was neither a request's nor a task's."""
        self._add_to_waiting(Busy(begun, ended, culprit, None, line), thread)

    def by_thread(
        self, told: Told, begun: int, ended: int, thread: int, but: OpenRequest | None = None
    ) -> Busy:
        """Record for all but one, and return, what another thread did to the loop of this one."""
        busy = Busy(begun, ended, f"{told.thread} in a thread", None, told.line, thread=True)
        self._add_to_waiting(busy, thread, but)
        return busy

    def _not_yet_held(self, begun: int, ended: int, thread: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of a step that no step inside of it has held."""
        inside = [
            one for one in self._steps if one[0] == thread and begun <= one[1] and one[2] <= ended
        ]
        self._steps.append((thread, begun, ended))
        limit = self._books.busy_limit
        start = begun
        for _, inner, over in sorted(inside):
            if inner - start > limit:
                yield start, inner
            start = max(start, over)
        if ended - start > limit:
            yield start, ended

    def _add(
        self,
        culprit: OpenRequest,
        begun: int,
        ended: int,
        task: TaskRecord | None,
        told: Told,
        thread: int,
    ) -> None:
        own, title = culprit.timeline, culprit.timeline.title
        if told.thread is not None:
            # Not the step's doing: it waited as all others did.
            self._books.add_busy(own, self.by_thread(told, begun, ended, thread, culprit))
            return
        if told.machine:
            put_aside = Busy(begun, ended, MACHINE)
            self._books.add_busy(own, put_aside)
            self._add_to_waiting(put_aside, thread, culprit)
            return
        name = title if task is None else task.name
        id = None if task is None else task.id
        self._books.add_busy(own, Busy(begun, ended, name, id, told.line))
        # One record for all who waited: there may be hundreds of idle connections.
        seen = Busy(begun, ended, name if task is None else f"{name} of {title}", None, told.line)
        self._add_to_waiting(seen, thread, culprit)

    def _add_to_waiting(self, busy: Busy, thread: int, culprit: OpenRequest | None = None) -> None:
        for other in list(self._books.open):
            if other is culprit or other.thread != thread:
                continue
            if other.timeline.response_sent is None:
                self._books.add_busy(other.timeline, busy)
