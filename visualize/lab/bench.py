"""What a lab is worked with: a client, and the timelines of its requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import anyio
import httpx

from fastapi_tasks import Recorder, Timeline

from .browser import raise_refused
from .errors import LabError
from .transport import EXTENSION, AsyncViewing, Viewing
from .visits import Visit, Visits

PATIENCE = 60.0


class Host(Protocol):
    """What runs the app of a lab. `how` says in plain words how it does."""

    log: list[str]
    how: str

    @property
    def transport(self) -> httpx.AsyncBaseTransport | None:
        """What carries an asynchronous client's requests; None for a socket."""

    async def stop_beside(self) -> None:
        """Let the app shut down, while the caller's event loop goes on."""


class StoppingHost(Host, Protocol):
    """One that code which is not async can stop."""

    def stop(self) -> None:
        """Let the app shut down."""


class Bench:
    """A running app and the record of its requests.

    `url` is its address, `recorder` keeps the timelines, `log` is what was kept of the log. `how`
    says what runs it, and what "sent" means there.
    """

    def __init__(self, url: str, recorder: Recorder, host: Host) -> None:
        self.url = url
        self.recorder = recorder
        self.log, self.how = host.log, host.how

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}: {len(self.timelines)} requests>"

    @property
    def timelines(self) -> list[Timeline]:
        """The requests that are kept, in the order of their start."""
        return self.recorder.timelines

    @property
    def last(self) -> Timeline:
        """The request that started last. Raises LabError when there is none yet."""
        if self.recorder.last is None:
            raise LabError('no request is recorded yet: send one first, such as lab.get("/")')
        return self.recorder.last


class Lab(Bench):
    """A running server with an asynchronous client.

    `client` is an httpx.AsyncClient; `get`, `post` and their kin are its methods.
    """

    def __init__(self, url: str, recorder: Recorder, host: Host, visits: Visits) -> None:
        super().__init__(url, recorder, host)
        self._host = host
        viewing = AsyncViewing(visits, host.transport)
        # Proxies of the environment have no business on the loopback interface.
        client = httpx.AsyncClient(
            transport=viewing, base_url=url, timeout=PATIENCE, trust_env=False
        )
        self.client = client
        self.request, self.stream = client.request, client.stream
        self.get, self.post, self.put = client.get, client.post, client.put
        self.patch, self.delete = client.patch, client.delete

    async def timeline(self, response: httpx.Response, timeout: float = PATIENCE) -> Timeline:  # noqa: ASYNC109
        """Return the timeline of this answer's request, when all its tasks have ended.

        `timeout` is in seconds. Raises TimeoutError, naming what is still open.
        """
        timeline = _timeline(response)
        with anyio.move_on_after(timeout):
            await self.recorder.settled(of=timeline)
            raise_refused()
            return timeline
        running = [task.name for task in timeline.tasks if task.outcome is None]
        names = ", ".join(running) or timeline.title
        raise TimeoutError(f"still open after {timeout:g} s: {names}")

    async def warm_up(self, method: str, url: str, **options: Any) -> None:
        """Send a request that is not recorded, so that the first recorded one is like the rest.

        Options are those of httpx. Returns when its tasks have ended.
        """
        self.recorder.enabled = False
        try:
            await self.client.request(method, url, **options)
            await self.settled()
        finally:
            self.recorder.enabled = True

    async def settled(self, timeout: float = PATIENCE) -> None:  # noqa: ASYNC109
        """Return when every request is answered and every task has ended.

        `timeout` is in seconds. Raises TimeoutError, naming what is still open.
        """
        await self.recorder.settled(timeout)
        raise_refused()

    async def stop(self) -> None:
        """Stop; the app shuts down as it would in production."""
        with anyio.CancelScope(shield=True):
            await self.client.aclose()
            await self._host.stop_beside()


class SyncLab(Bench):
    """A running server with a client for code that is not async.

    `client` is an httpx.Client; `get`, `post` and their kin are its methods.
    """

    def __init__(self, url: str, recorder: Recorder, host: StoppingHost, visits: Visits) -> None:
        super().__init__(url, recorder, host)
        self._host = host
        client = httpx.Client(
            transport=Viewing(visits), base_url=url, timeout=PATIENCE, trust_env=False
        )
        self.client = client
        self.request, self.stream = client.request, client.stream
        self.get, self.post, self.put = client.get, client.post, client.put
        self.patch, self.delete = client.patch, client.delete

    def timeline(self, response: httpx.Response, timeout: float = PATIENCE) -> Timeline:
        """Return the timeline of this answer's request, when all tasks have ended.

        `timeout` is in seconds. Raises TimeoutError, naming what is still open.
        """
        timeline = _timeline(response)
        self.settled(timeout)
        return timeline

    def warm_up(self, method: str, url: str, **options: Any) -> None:
        """Send a request that is not recorded, so that the first recorded one is like the rest.

        Options are those of httpx. Returns when its tasks have ended.
        """
        self.recorder.enabled = False
        try:
            self.client.request(method, url, **options)
            self.settled()
        finally:
            self.recorder.enabled = True

    def settled(self, timeout: float = PATIENCE) -> None:
        """Return when every request is answered and every task has ended.

        `timeout` is in seconds. Raises TimeoutError, naming what is still open.
        """
        self.recorder.wait_settled(timeout)

    def stop(self) -> None:
        """Stop; the app shuts down as it would in production."""
        self.client.close()
        self._host.stop()


def settling(timeline: Timeline) -> Callable[[], bool]:
    """Return what tells whether the timeline is settled: asked often, it looks at each task once.

    The timeline itself would look through all of its tasks, and is asked whenever one has ended.
    """
    ended = 0

    def settled() -> bool:
        nonlocal ended
        at = ended  # others may ask at the same time, from their threads
        while at < len(timeline.tasks) and timeline.tasks[at].outcome is not None:
            at += 1
        ended = at
        return timeline.request_end is not None and at == len(timeline.tasks)

    return settled


def _timeline(response: httpx.Response) -> Timeline:
    visit = response.extensions.get(EXTENSION)
    if not isinstance(visit, Visit) or visit.timeline is None:
        raise LabError(
            f"the answer to {response.request.method} {response.request.url} has no timeline: "
            "send the request with the lab's own client, lab.get(…) or lab.client"
        )
    return visit.timeline
