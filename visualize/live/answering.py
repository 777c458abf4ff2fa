"""The findings of a running app, worked out beside it, and only while somebody reads."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi_tasks import Recorder, Timeline

LEAST = 2.0
"""Seconds from one look to the next, at least."""
SHARE = 50
"""A look is followed by a rest of so many times what it took."""
RECORDS = 4000
"""So many tasks and spans, of the latest requests, are looked at."""

logger = logging.getLogger("visualize.live")


class Answering:
    """Explains the latest requests again and again, in a thread that ends with its last reader."""

    def __init__(self, recorder: Recorder) -> None:
        self.number = 0
        self.found: dict[str, Any] = {"findings": [], "requests": 0}
        self._recorder = recorder
        self._lock = threading.Lock()
        self._asked = 0.0
        self._thread: threading.Thread | None = None

    def ask(self) -> int:
        """Keep looking for a few seconds from now on; return the number of what is found by now."""
        self._asked = time.monotonic()
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._look_on, name="timeline findings", daemon=True
                    )
                    self._thread.start()
        return self.number

    def _look_on(self) -> None:
        last: object = None
        while time.monotonic() - self._asked < 2 * LEAST:
            begun = time.thread_time()
            try:
                chosen = latest(self._recorder.timelines)
                seen = _state(chosen)
                if seen != last:
                    last = seen
                    self._look(chosen)
            except Exception:
                # A request that goes on meanwhile can look torn; the next look sees it whole.
                logger.debug("the findings of the live timeline were put off", exc_info=True)
            time.sleep(max(LEAST, SHARE * (time.thread_time() - begun)))
        with self._lock:
            self._thread = None

    def _look(self, chosen: list[Timeline]) -> None:
        from visualize.answers.findings import explain
        from visualize.answers.wire import findings_json

        found = findings_json(explain([_copied(one) for one in chosen]))
        if found != self.found["findings"] or self.number == 0:
            self.found = {"findings": found, "requests": len(chosen)}
            self.number += 1


def latest(timelines: list[Timeline]) -> list[Timeline]:
    """Return the last requests that have no more than RECORDS tasks and spans; one at least."""
    left = RECORDS
    for place in range(len(timelines) - 1, -1, -1):
        left -= len(timelines[place].tasks) + len(timelines[place].spans)
        if left < 0:
            return timelines[min(place + 1, len(timelines) - 1) :]
    return timelines


def _state(timelines: list[Timeline]) -> object:
    """Something that differs when there may be something new."""
    open_: Callable[[Timeline], object] = lambda one: (  # noqa: E731
        one.id, one.request_end, len(one.tasks), len(one.spans), len(one.busy), one.settled,
    )  # fmt: skip
    return [open_(one) for one in timelines]


def _copied(timeline: Timeline) -> Timeline:
    """Return a timeline that stays as it is."""
    return replace(
        timeline,
        tasks=[replace(task) for task in list(timeline.tasks)],
        spans=[replace(span) for span in list(timeline.spans)],
        busy=list(timeline.busy),
    )
