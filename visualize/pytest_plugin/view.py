"""What the fixture gives."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

from fastapi_tasks import Recorder, Timeline, harmless

from .apps import Finder, Seen

PATIENCE = 5.0


class Timelines:
    """The requests of a test: of all apps that it calls, or of one.

    `patience` is how many seconds `last` waits for tasks to end.
    """

    def __init__(self, seen: Seen, finder: Finder, only: Recorder | None = None) -> None:
        self.patience = PATIENCE
        self._seen = seen
        self._finder = finder
        self._only = only

    @property
    def timelines(self) -> list[Timeline]:
        """The requests as they are now, in the order of their start; the latest 1,000."""
        return [
            timeline
            for recorder, timeline in list(self._seen.requests)
            if self._only is None or recorder is self._only
        ]

    @property
    def last(self) -> Timeline:
        """The request that started last.

        In a test that is not async, it waits until its tasks have ended; in an async one it returns
        the request as it is now: there `await timelines.settled()` first. It does not wait for an
        open WebSocket, nor for tasks that the app creates itself. Raises LookupError where there is
        no request, TimeoutError, naming what is still open, after `patience` seconds.
        """
        timelines = self.timelines
        if not timelines:
            raise LookupError(self._nothing())
        last = timelines[-1]
        if not _in_loop():
            self._wait_for(last)
        return last

    @property
    def recorder(self) -> Recorder:
        """What records the app under test.

        Raises LookupError where no app, or more than one, was called: name it by `of()`.
        """
        recorders = self._recorders()
        if len(recorders) != 1:
            raise LookupError(
                self._nothing()
                if not recorders
                else f"{len(recorders)} apps were called: name one, timelines.of(app).recorder"
            )
        return recorders[0]

    def of(self, app: Any) -> Timelines:
        """Return those of one app.

        Raises LookupError for an app that nothing records, and that is not Starlette's or
        FastAPI's.
        """
        recorder = self._finder.recorder_of(app)
        if recorder is None:
            raise LookupError(
                f"nothing records this object of type {type(app).__name__}: "
                "let the test call RecordingMiddleware(app) in its place, and give that"
            )
        return Timelines(self._seen, self._finder, recorder)

    async def settled(self, timeout: float | None = PATIENCE) -> None:  # noqa: ASYNC109
        """Return when every request is answered and every task of `Tasks` has ended.

        `timeout` is in seconds; None waits as long as it takes. Raises TimeoutError, naming what
        is still open.
        """
        for recorder in self._recorders():
            await recorder.settled(timeout)

    def wait_settled(self, timeout: float | None = PATIENCE) -> None:
        """Do what `settled` does, for a test that is not async."""
        for recorder in self._recorders():
            recorder.wait_settled(timeout)

    def clear(self) -> None:
        """Forget the requests so far."""
        self._seen.requests.clear()

    def __len__(self) -> int:
        return len(self.timelines)

    def __iter__(self) -> Iterator[Timeline]:
        return iter(self.timelines)

    def __repr__(self) -> str:
        return f"<Timelines: {', '.join(one.title for one in self.timelines) or 'none'}>"

    def _recorders(self) -> list[Recorder]:
        if self._only is not None:
            return [self._only]
        return list(self._seen.recorders)

    def _nothing(self) -> str:
        off = [one for one in self._recorders() if not one.enabled]
        if off:
            return "no request is recorded: the app's recorder is switched off (recorder.enabled)"
        return (
            "no request is recorded in this test: send one first; an app in another process is "
            "not seen, and one that is neither Starlette's nor FastAPI's is to be called as "
            "RecordingMiddleware(app)"
        )

    def _wait_for(self, timeline: Timeline) -> None:
        if timeline.kind == "websocket" and timeline.request_end is None:
            return
        with self._seen.changed:
            if self._seen.changed.wait_for(lambda: not _open(timeline), self.patience):
                return
        raise TimeoutError(
            f"{timeline.title} is still open after {self.patience:g} s: "
            f"{', '.join(_open(timeline))}; timelines.timelines[-1] does not wait"
        )


def _in_loop() -> bool:
    """Tell whether an event loop runs in this thread, which to wait would hold."""
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        return True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _open(timeline: Timeline) -> list[str]:
    """Name what has not ended."""
    tasks = [
        harmless(task.name)
        for task in timeline.tasks
        if task.outcome is None and task.mode != "spawned"
    ]
    return tasks or (["its answer"] if timeline.request_end is None else [])
