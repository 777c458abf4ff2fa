"""What changed in an app's timelines since a moment: the live page's memory.

No event is queued for anybody. Each request and each task carries the version of its last change;
a reader holds a cursor, and is given whatever is newer, as it is now. So a slow reader costs no
memory, one that comes back gets exactly what it has not seen, and being told twice does no harm.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from fastapi_tasks import Event, Recorder, Timeline

from .wire import request_line

LINGER = 60.0


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader has read: up to which change, and which request was then the latest.

    `dropped` counts the requests that were let go before the reader saw them. `run` names the
    process that counts; as text, the cursor is the `id` of a message.
    """

    run: str = ""
    version: int = 0
    latest: int = 0
    dropped: int = 0

    def __str__(self) -> str:
        return f"{self.run}-{self.version}-{self.latest}-{self.dropped}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor; whatever is none stands for a reader who has read nothing."""
        run, *numbers = text.split("-")
        if len(numbers) == 3 and all(part.isascii() and part.isdigit() for part in numbers):
            return cls(run, *map(int, numbers))
        return cls()


@dataclass(frozen=True, slots=True)
class News:
    """What a reader has not seen; `dropped` is None where that count is as it was."""

    lines: list[dict[str, object]]
    dropped: int | None
    cursor: Cursor


@dataclass(slots=True)
class Change:
    """The versions of one request's last changes: as a whole, by task and by busy segment."""

    timeline: Timeline
    version: int
    tasks: dict[int, int] = field(default_factory=dict)
    busy: dict[int, int] = field(default_factory=dict)

    def touch(self, version: int, event: Event) -> None:
        """Take note of what just happened."""
        self.version = version
        if event.kind == "busy":
            self.busy[self._segments.stop - 1] = version
        elif event.task is not None:
            self.tasks[event.task.id] = version

    def touch_all(self, version: int) -> None:
        """Take note that everything may have happened."""
        self.version = version
        self.tasks = {task.id: version for task in self.timeline.tasks}
        self.busy = dict.fromkeys(self._segments, version)

    def since(self, version: int) -> dict[str, object]:
        """Return what is newer than a version, as it is now."""
        tasks = [number for number, at in self.tasks.items() if at > version]
        busy = [number for number, at in self.busy.items() if at > version]
        return request_line(self.timeline, tasks, busy)

    @property
    def _segments(self) -> range:
        """The numbers of the busy segments that the timeline holds."""
        first = self.timeline.busy_dropped
        return range(first, first + len(self.timeline.busy))


class Changes:
    """Listens to a recorder while readers are there, and a minute longer.

    Holds as many requests as the recorder, those that changed last, and besides them at most as
    many that have not ended. Events may come from any thread.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._version = 0
        self._recorder = recorder
        self._run = secrets.token_hex(4)
        self._latest = 0
        self._changes: dict[int, Change] = {}  # by request, in the order of the last change
        self._lock = Lock()
        self._readers = 0
        self._left = 0.0
        self._unsubscribe: Callable[[], None] | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep listening while this is open."""
        with self._lock:
            self._readers += 1
            if self._unsubscribe is None:
                self._unsubscribe = self._recorder.subscribe(self._listen)
                self._catch_up()
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
                self._left = time.monotonic()

    def any_since(self, cursor: Cursor) -> bool:
        """Tell whether there is something that a reader has not seen."""
        return cursor.version != self._version or cursor.run != self._run

    def since(self, cursor: Cursor) -> News:
        """Return what a reader has not seen."""
        with self._lock:
            if cursor.run != self._run:
                cursor = Cursor()
            news: list[Change] = []
            for change in reversed(self._changes.values()):
                if change.version <= cursor.version:
                    break
                news.append(change)
            unseen = sum(change.timeline.id > cursor.latest for change in news)
            missed = self._latest - cursor.latest - unseen
            dropped = cursor.dropped + missed
            return News(
                [change.since(cursor.version) for change in reversed(news)],
                dropped if missed else None,
                Cursor(self._run, self._version, self._latest, dropped),
            )

    def _catch_up(self) -> None:
        self._version += 1
        for timeline in self._recorder.timelines:
            self._adopt(timeline).touch_all(self._version)

    def _listen(self, event: Event) -> None:
        with self._lock:
            if self._readers == 0 and time.monotonic() - self._left > LINGER:
                self._stop()
                return
            timeline = event.timeline
            change = self._changes.get(timeline.id)
            if change is None and timeline.id > self._latest:
                change = self._adopt(timeline)
            # Requests that were let go, or that are not recorded, stay away.
            if change is not None and change.timeline is timeline:
                self._version += 1
                change.touch(self._version, event)
                self._changes[timeline.id] = self._changes.pop(timeline.id)

    def _adopt(self, timeline: Timeline) -> Change:
        change = self._changes[timeline.id] = Change(timeline, self._version)
        self._latest = max(self._latest, timeline.id)
        if len(self._changes) > self._recorder.maxlen:
            self._let_one_go()
        return change

    def _let_one_go(self) -> None:
        ended = (number for number, one in self._changes.items() if one.timeline.settled)
        oldest = next(ended, None)
        if oldest is None and len(self._changes) > 2 * self._recorder.maxlen:
            oldest = next(iter(self._changes))
        if oldest is not None:
            del self._changes[oldest]

    def _stop(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._changes.clear()
