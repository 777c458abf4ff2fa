"""All that the readers of a live page are told: by this process, and by its siblings."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from fastapi_tasks import Recorder

from .counting import Numbers, together
from .feed import Feed
from .frames import Source
from .pulse import Pulse
from .siblings import Siblings


class Sources:
    """The feed of a recorder, and those of the other workers of its server."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self.feed = Feed(recorder)
        self._siblings = Siblings(name, self.feed)
        self._pulse = Pulse(self._counters, self._findings)

    @property
    def pause(self) -> float:
        """Seconds until a reader need look again."""
        return self.feed.pause

    @property
    def pulse(self) -> Pulse:
        """What is told beside the requests."""
        return self._pulse

    def start(self) -> None:
        """Let the other workers of the server, if there may be any, find this one."""
        self._siblings.start()

    def stop(self) -> None:
        """Be found no longer."""
        self._siblings.stop()

    def reading(self) -> AbstractContextManager[None]:
        """Keep listening to the recorder while this is open."""
        return self.feed.reading()

    def all(self) -> list[Source]:
        """Return the feeds of all processes, this one's first."""
        return [self.feed, *self._siblings.feeds()]

    def _counters(self) -> Numbers:
        others = [feed.counters for feed in self._siblings.feeds() if feed.counters]
        return together([self.feed.counters(), *others])

    def _findings(self) -> tuple[object, Callable[[], dict[str, Any]]]:
        number, own = self.feed.findings()
        others = [feed.findings for feed in self._siblings.feeds() if feed.findings]
        every = [own, *others]

        def found() -> dict[str, Any]:
            findings = [one for each in every for one in each["findings"]]
            findings.sort(key=lambda one: -one["cost_ns"])
            return {"findings": findings, "requests": sum(each["requests"] for each in every)}

        return (number, *map(id, others)), found
