"""httpx transports that take the client's stamps of each request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import cast

import httpx

from fastapi_tasks import ClientView

from .visits import Visit, Visits

EXTENSION = "lab_visit"


class AsyncViewing(httpx.AsyncBaseTransport):
    """Stamps when a request is sent, when its headers are there, and its last byte.

    `inner` carries the requests; None is a socket.
    """

    def __init__(self, visits: Visits, inner: httpx.AsyncBaseTransport | None = None) -> None:
        # The server speaks plain HTTP: loading certificates would only take time.
        self._inner = inner or httpx.AsyncHTTPTransport(verify=False)
        self._visits = visits

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        visit = self._visits.open(request)
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException:
            self._visits.forget(request)
            raise
        return _stamp(response, visit, self._visits.clock)

    async def aclose(self) -> None:
        await self._inner.aclose()


class Viewing(httpx.HTTPTransport):
    """The same for code that is not async."""

    def __init__(self, visits: Visits) -> None:
        super().__init__(verify=False)
        self._visits = visits

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        visit = self._visits.open(request)
        try:
            response = super().handle_request(request)
        except BaseException:
            self._visits.forget(request)
            raise
        return _stamp(response, visit, self._visits.clock)


def _stamp(response: httpx.Response, visit: Visit, clock: Callable[[], int]) -> httpx.Response:
    visit.view.answered = clock()
    response.stream = StampedBody(response.stream, visit.view, clock)
    response.extensions[EXTENSION] = visit
    return response


class StampedBody(httpx.AsyncByteStream, httpx.SyncByteStream):
    """A body that stamps its last byte when it has been read."""

    def __init__(
        self,
        inner: httpx.SyncByteStream | httpx.AsyncByteStream,
        view: ClientView,
        clock: Callable[[], int],
    ) -> None:
        self._inner = inner
        self._view = view
        self._clock = clock

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in cast("httpx.AsyncByteStream", self._inner):
            yield part
        self._view.received = self._clock()

    def __iter__(self) -> Iterator[bytes]:
        yield from cast("httpx.SyncByteStream", self._inner)
        self._view.received = self._clock()

    async def aclose(self) -> None:
        await cast("httpx.AsyncByteStream", self._inner).aclose()

    def close(self) -> None:
        cast("httpx.SyncByteStream", self._inner).close()
