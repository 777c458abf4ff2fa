"""A live line of counters while an app is recorded, for whoever watches the terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context

from fastapi_tasks import Event, Recorder, Timeline
from visualize.answers.naming import ended_badly
from visualize.answers.summary import failed
from visualize.answers.together import LATE
from visualize.terminal.bottom import BottomLine
from visualize.words import count, duration

INTERVAL = 0.25
"""Seconds from one look at the counters to the next."""
NUMBERS = ("requests", "in_flight", "errors", "held", "late")
"""What is counted."""


@dataclass(slots=True)
class Counters:
    """What was recorded so far. `held` is nanoseconds; an error is a request's or a task's."""

    requests: int = 0
    in_flight: int = 0
    errors: int = 0
    held: int = 0
    late: int = 0
    _held_until: int = field(default=0, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, event: Event) -> None:
        """Count what just happened."""
        with self._lock:
            self._take(event)

    def _take(self, event: Event) -> None:
        timeline, task = event.timeline, event.task
        if timeline.kind == "lifespan" and event.kind in ("request_start", "request_end"):
            return
        if event.kind == "request_start":
            self.requests += 1
            self.in_flight += 1
        elif event.kind == "request_end":
            self.in_flight -= 1
            self.errors += failed(timeline)
        elif event.kind == "busy":
            self._hold(timeline)
        elif task is not None and event.kind == "started":
            self.late += (task.waited or 0) > LATE
        elif task is not None and event.kind == "finished":
            self.errors += ended_badly(task)

    def _hold(self, timeline: Timeline) -> None:
        # Each request that waited tells of the same step.
        step = timeline.busy[-1]
        self.held += max(step.end - max(step.start, self._held_until), 0)
        self._held_until = max(self._held_until, step.end)

    def words(self, width: int) -> str:
        """Say it in one line of at most so many columns, if there are 50."""
        held = duration(self.held) if self.held else "0"
        long = (
            f"{count(self.requests, 'request')} · {self.in_flight:,} in flight · "
            f"{count(self.errors, 'error')} · loop held {held} · {count(self.late, 'late task')}"
        )
        short = (
            f"{self.requests:,} req · {self.in_flight:,} open · {self.errors:,} err · "
            f"held {held} · {self.late:,} late"
        )
        return long if len(long) <= width else short


class Shared:
    """The counters of several workers, in memory that is also the first process's."""

    def __init__(self, workers: int) -> None:
        self._numbers = get_context("spawn").RawArray("q", len(NUMBERS) * workers)

    def put(self, worker: int, counters: Counters) -> None:
        """Show the others what one worker has counted."""
        at = worker * len(NUMBERS)
        self._numbers[at : at + len(NUMBERS)] = [getattr(counters, name) for name in NUMBERS]

    def together(self) -> Counters:
        """Add up what all have counted."""
        numbers = list(self._numbers)
        return Counters(*(sum(numbers[at :: len(NUMBERS)]) for at in range(len(NUMBERS))))


@contextmanager
def counted(recorder: Recorder, shared: Shared | None = None, worker: int = 0) -> Iterator[None]:
    """Show counters on the last line of the terminal meanwhile; nothing where there is none.

    A worker shares them instead with the process that shows them: see `counted_together`.
    """
    counters = Counters()
    if shared is not None:
        meanwhile = _again_and_again(lambda: shared.put(worker, counters))
    elif (line := BottomLine.on_terminal()) is not None:
        meanwhile = _shown(line, counters.words)
    else:
        yield
        return
    unsubscribe = recorder.subscribe(counters.take)
    try:
        with meanwhile:
            yield
    finally:
        unsubscribe()


@contextmanager
def counted_together(shared: Shared) -> Iterator[None]:
    """Show the counters of all workers meanwhile."""
    line = BottomLine.on_terminal()
    if line is None:
        yield
        return
    with _shown(line, lambda width: shared.together().words(width)):
        yield


@contextmanager
def _shown(line: BottomLine, words: Callable[[int], str]) -> Iterator[None]:
    line.open()
    try:
        with _again_and_again(lambda: line.show(words(line.width))):
            yield
    finally:
        # The terminal may be closed while the app runs on.
        with suppress(OSError):
            line.close()


@contextmanager
def _again_and_again(call: Callable[[], object]) -> Iterator[None]:
    """Call this in a thread meanwhile, until it fails as a terminal does that was closed."""
    ending = threading.Event()

    def call_on() -> None:
        with suppress(OSError):
            while not ending.wait(INTERVAL):
                call()

    thread = threading.Thread(target=call_on, name="counters", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
