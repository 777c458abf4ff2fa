"""The client's view of a request, joined to the server's timeline of it.

The client names each request in a header; the app's side takes the header away before the app
sees it. So the join is exact, whatever else is under way, and responses stay untouched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_tasks import ClientView, Timeline, timeline_of

HEADER = "x-lab-visit"


@dataclass(slots=True)
class Visit:
    """One request of the lab's client: what it saw, and the timeline once the app has it."""

    view: ClientView
    timeline: Timeline | None = None


@dataclass(slots=True)
class Visits:
    """The visits on their way from the client to the app, by number."""

    clock: Callable[[], int]
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _under_way: dict[str, Visit] = field(default_factory=dict)

    def open(self, request: httpx.Request) -> Visit:
        """Stamp and number a request that is about to be sent."""
        number = str(next(self._numbers))
        request.headers[HEADER] = number
        visit = self._under_way[number] = Visit(ClientView(self.clock()))
        return visit

    def forget(self, request: httpx.Request) -> None:
        """Let a request go that may never have reached the app."""
        self._under_way.pop(request.headers[HEADER], None)

    def take(self, scope: Scope) -> Visit | None:
        """Find the visit that a scope belongs to, and take its number out of the headers."""
        if scope["type"] != "http":
            return None
        name = HEADER.encode()
        numbers = [value.decode() for key, value in scope["headers"] if key == name]
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != name]
        return self._under_way.pop(numbers[0], None) if numbers else None


class Joining:
    """Around the app: gives each timeline its client's view."""

    def __init__(self, app: ASGIApp, visits: Visits) -> None:
        self.app = app
        self._visits = visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = self._visits.take(scope)
        if visit is None:
            return await self.app(scope, receive, send)

        async def joining_send(message: Message) -> None:
            _join(visit, scope)
            await send(message)

        # At the request's first pause if not before: an answer may never come.
        asyncio.get_running_loop().call_soon(_join, visit, scope)
        try:
            await self.app(scope, receive, joining_send)
        except Exception:
            if visit.timeline is None or visit.timeline.response_sent is None:
                raise
            # uvicorn would log the same, and close the connection under the next request.
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")


def _join(visit: Visit, scope: Scope) -> None:
    timeline = timeline_of(scope)
    if visit.timeline is None and timeline is not None:
        visit.timeline = timeline
        timeline.client = visit.view
