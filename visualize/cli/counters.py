"""A live line of counters while an app is recorded, for whoever watches the terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from fastapi_tasks import Event, Recorder, Timeline
from visualize.answers.summary import failed
from visualize.answers.together import LATE
from visualize.terminal.bottom import BottomLine
from visualize.words import count, duration

INTERVAL = 0.25
"""Seconds from one look at the counters to the next."""


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
            self.errors += task.outcome not in ("ok", "cancelled")

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


@contextmanager
def counted(recorder: Recorder) -> Iterator[None]:
    """Show counters on the last line of the terminal meanwhile; nothing where there is none."""
    line = BottomLine.on_terminal()
    if line is None:
        yield
        return
    counters = Counters()
    unsubscribe = recorder.subscribe(counters.take)
    try:
        with _shown(line, counters.words):
            yield
    finally:
        unsubscribe()


@contextmanager
def _shown(line: BottomLine, words: Callable[[int], str]) -> Iterator[None]:
    ending = threading.Event()

    def show_on() -> None:
        # The terminal may be closed while the app runs on.
        with suppress(OSError):
            while not ending.wait(INTERVAL):
                line.show(words(line.width))

    thread = threading.Thread(target=show_on, name="counters", daemon=True)
    line.open()
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        with suppress(OSError):
            line.close()
