"""What changed in an app's timelines since a moment: the live page's memory.

No event is queued for anybody. Each request and each task carries the version of its last change;
a reader holds a cursor, and is given whatever is newer, as it is now. So a slow reader costs no
memory, one that comes back gets exactly what it has not seen, and being told twice does no harm.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from fastapi_tasks import Event, Recorder, Timeline

from .counting import Counting, Numbers
from .wire import encode, request_line

LINGER = 60.0
SPARE = 256
"""So many more records than its timeline holds a change may know of."""


@dataclass(slots=True)
class Change:
    """The versions of one request's last changes: as a whole, by task, span and busy segment."""

    timeline: Timeline
    version: int
    tasks: dict[int, int] = field(default_factory=dict)
    spans: dict[int, int] = field(default_factory=dict)
    busy: dict[int, int] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)
    _spans_known: int = 0
    _whole: tuple[int, bytes] = (-1, b"")

    def touch(self, version: int, event: Event) -> None:
        """Take note of what just happened."""
        self.version = version
        if event.kind == "busy":
            self.busy[self._segments.stop - 1] = version
        elif event.task is not None:
            self.tasks[event.task.id] = version
            if len(self.tasks) > len(self.timeline.tasks) + SPARE:
                self._forget()

    def touch_all(self, version: int) -> None:
        """Take note that everything may have happened."""
        self.version = version
        self.tasks = {task.id: version for task in self.timeline.tasks}
        self.busy = dict.fromkeys(self._segments, version)

    def written(self, since: int) -> bytes:
        """Write what is newer than a version, as it is now."""
        if since:
            return self._write(since)
        # What a newcomer is told, all newcomers are.
        version, whole = self._whole
        if version != self.version:
            version, whole = self._whole = self.version, self._write(0)
        return whole

    def _write(self, since: int) -> bytes:
        self._look_at_spans()
        newer = (_newer(known, since) for known in (self.tasks, self.spans, self.busy))
        return encode(request_line(self.timeline, *newer))

    def _look_at_spans(self) -> None:
        """Note which spans have begun or ended: the recorder tells of their request alone."""
        known = max(self._spans_known, self.timeline.spans_dropped)
        fresh = self.timeline.spans[known - self.timeline.spans_dropped :]
        self._spans_known = known + len(fresh)
        waiting = [one for one in self.timeline.spans if one.id in self._open] if self._open else []
        for span in (*waiting, *fresh):
            if span.end is None and span.id in self._open:
                continue
            self.spans[span.id] = self.version
            (self._open.add if span.end is None else self._open.discard)(span.id)

    def _forget(self) -> None:
        """Let go what the timeline has let go."""
        held = {task.id for task in self.timeline.tasks}
        self.tasks = {number: at for number, at in self.tasks.items() if number in held}

    @property
    def _segments(self) -> range:
        """The numbers of the busy segments that the timeline holds."""
        first = self.timeline.busy_dropped
        return range(first, first + len(self.timeline.busy))


def _newer(known: dict[int, int], since: int) -> list[int]:
    # Another thread may add to it meanwhile; making a list of it is one step.
    return [number for number, at in list(known.items()) if at > since]


@dataclass(frozen=True, slots=True)
class News:
    """What changed after a version: in the order of the last change, and up to which version.

    `latest` is the number of the latest request, `missed` how many were let go unseen.
    """

    changes: list[Change]
    version: int
    latest: int
    missed: int


class Changes:
    """Listens to a recorder while readers are there, and a minute longer.

    Holds as many requests as the recorder, those that changed last, and besides them at most as
    many that have not ended. Events may come from any thread.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.version = 0
        self.readers = 0
        self._counting = Counting(recorder)
        self._recorder = recorder
        self._latest = 0
        self._changes: dict[int, Change] = {}  # by request, in the order of the last change
        self._lock = Lock()
        self._left = 0.0
        self._unsubscribe: Callable[[], None] | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep listening while this is open."""
        with self._lock:
            self.readers += 1
            if self._unsubscribe is None:
                self._unsubscribe = self._recorder.subscribe(self._listen)
                self._catch_up()
        try:
            yield
        finally:
            with self._lock:
                self.readers -= 1
                self._left = time.monotonic()

    def since(self, version: int, latest: int) -> News:
        """Return what changed after a version, when `latest` was the latest request."""
        with self._lock:
            news: list[Change] = []
            for change in reversed(self._changes.values()):
                if change.version <= version:
                    break
                news.append(change)
            unseen = sum(change.timeline.id > latest for change in news)
            return News(news[::-1], self.version, self._latest, self._latest - latest - unseen)

    def counters(self) -> Numbers:
        """Return what the app does right now, in numbers."""
        with self._lock:
            return self._counting.told()

    def _catch_up(self) -> None:
        self.version += 1
        self._counting.begin()
        for timeline in self._recorder.timelines:
            self._adopt(timeline).touch_all(self.version)
            self._counting.find(timeline)

    def _listen(self, event: Event) -> None:
        with self._lock:
            if self.readers == 0 and time.monotonic() - self._left > LINGER:
                self._stop()
                return
            timeline = event.timeline
            change = self._changes.get(timeline.id)
            # Those below 0 are lifespans, which no number tells old from new.
            if change is None and (timeline.id > self._latest or timeline.id < 0):
                change = self._adopt(timeline)
            # Requests that were let go, or that are not recorded, stay away.
            if change is not None and change.timeline is timeline:
                self.version += 1
                change.touch(self.version, event)
                self._changes[timeline.id] = self._changes.pop(timeline.id)
            self._counting.take(event)

    def _adopt(self, timeline: Timeline) -> Change:
        change = self._changes[timeline.id] = Change(timeline, self.version)
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
