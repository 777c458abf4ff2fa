"""What an app does in its lifespan: a record of its own, since it belongs to no request.

Above all the workers that it starts there, which run for as long as the app does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

from ..keeper import Keeper
from ..timeline import TaskRecord, Timeline
from .here import Here, here


class Lifespan:
    """Stands for the lifespan as a request does for itself; kept once there is something of it."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.thread = get_ident()
        self.background: list[TaskRecord] = []
        self._timeline = Timeline(
            0, "lifespan", "lifespan", "of the app", keeper.wall(), keeper.clock(),
            process=keeper.process,
        )  # fmt: skip

    @property
    def timeline(self) -> Timeline:
        """Its record, which is asked for only to add to it."""
        if not self._timeline.id:
            self.keeper.keep_apart(self._timeline)
        return self._timeline

    def end(self) -> None:
        """Take note that the app has shut down."""
        self._timeline.request_end = self.keeper.clock()
        if self.keeper.listeners:
            self.keeper.tell("request_end", self._timeline)


@contextmanager
def within_lifespan(keeper: Keeper) -> Iterator[None]:
    """Record what is started here as a part of a lifespan."""
    lifespan = Lifespan(keeper)
    token = here.set(Here(lifespan))
    try:
        yield
    finally:
        here.reset(token)
        lifespan.end()
