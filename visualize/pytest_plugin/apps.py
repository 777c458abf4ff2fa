"""Which apps are under test: those that are called, found without being told."""

from __future__ import annotations

import copy
import functools
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import Any
from weakref import WeakKeyDictionary

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_tasks import (
    Event,
    Recorder,
    RecordingMiddleware,
    Timeline,
    record,
    recorder_of,
    timeline_of,
)

MOST = 1000
"""Requests of one test that are kept, the latest ones."""

Call = Callable[[Any, Scope, Receive, Send], Any]


class Seen:
    """The requests that began since this was made, of all apps, in the order of their start.

    `recorders` are those of the apps that were called; `count` is of all requests, those that had
    to make room included; `changed` is notified of whatever happens.
    """

    def __init__(self) -> None:
        self.requests: deque[tuple[Recorder, Timeline]] = deque(maxlen=MOST)
        self.recorders: dict[Recorder, None] = {}
        self.count = 0
        self.changed = Condition()

    def hear(self, recorder: Recorder, event: Event) -> None:
        """Take note of what happened, in whatever thread it did."""
        with self.changed:
            if event.kind == "request_start":
                self.recorders[recorder] = None
                self.count += 1
                self.requests.append((recorder, event.timeline))
            self.changed.notify_all()

    def copies(self) -> list[Timeline]:
        """Return the requests as they are now, whatever goes on meanwhile."""
        return [copy.deepcopy(timeline) for _, timeline in list(self.requests)]


class Finder:
    """Listens to the recorder of every app that is called; one that has none is given one.

    It stands in `Starlette.__call__`, through which test clients, transports and servers go alike.
    """

    def __init__(self) -> None:
        self._listeners: list[Seen] = []
        self._heard: WeakKeyDictionary[Recorder, Callable[[], None]] = WeakKeyDictionary()
        self._given: WeakKeyDictionary[Starlette, Recorder] = WeakKeyDictionary()
        self._replaced: list[tuple[type, Call]] = []

    @contextmanager
    def seen(self) -> Iterator[Seen]:
        """Collect the requests that begin within the block."""
        self._install()
        seen = Seen()
        self._listeners.append(seen)
        try:
            yield seen
        finally:
            self._listeners.remove(seen)

    def recorder_of(self, app: Any) -> Recorder | None:
        """Return what records an app; give it a recorder where that can be done from outside."""
        recorder = recorder_of(app)
        if recorder is None and isinstance(app, Starlette):
            recorder = self._given.get(app) or self._give(app)
        if recorder is not None:
            self._hear(recorder)
        return recorder

    def uninstall(self) -> None:
        """Call apps as before. What records them stays."""
        for owner, call in self._replaced:
            owner.__call__ = call  # type: ignore[method-assign]
        self._replaced.clear()
        for unsubscribe in list(self._heard.values()):
            unsubscribe()
        self._heard.clear()

    def _install(self) -> None:
        if self._replaced:
            return
        self._stand_in(Starlette, lambda app, scope: timeline_of(scope) or self.recorder_of(app))
        self._stand_in(RecordingMiddleware, lambda app, _: self._hear(app.recorder))

    def _stand_in(self, owner: Any, meet: Callable[[Any, Scope], object]) -> None:
        call: Call = owner.__call__

        @functools.wraps(call)
        async def meeting(app: Any, scope: Scope, receive: Receive, send: Send) -> None:
            meet(app, scope)
            await call(app, scope, receive, send)

        owner.__call__ = meeting
        self._replaced.append((owner, call))

    def _hear(self, recorder: Recorder) -> None:
        for seen in self._listeners:
            seen.recorders[recorder] = None
        if recorder not in self._heard:
            # The recorder would never be let go by what it holds itself.
            self._heard[recorder] = recorder.subscribe(_Listener(self._listeners, recorder))

    def _give(self, app: Starlette) -> Recorder:
        """Record an app that nothing records, with the tasks that are not ours."""
        recorder = self._given[app] = Recorder()
        if app.middleware_stack is None:
            record(app, recorder=recorder, watch=True)
        else:
            inside = _Started(app, app.middleware_stack)
            app.middleware_stack = RecordingMiddleware(inside, recorder, watch=True)
        return recorder


class _Listener:
    """Tells all who collect now."""

    def __init__(self, listeners: list[Seen], recorder: Recorder) -> None:
        self._listeners = listeners
        self._recorder = recorder

    def __call__(self, event: Event) -> None:
        for seen in list(self._listeners):
            seen.hear(self._recorder, event)


class _Started:
    """What an app has made of itself when it started; `app` is the app, for whoever looks in."""

    def __init__(self, app: Starlette, stack: ASGIApp) -> None:
        self.app = app
        self._stack = stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._stack(scope, receive, send)


finder = Finder()
"""The one of this process."""
