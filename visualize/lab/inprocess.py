"""Call an app in this event loop, where no server can be, or none is wanted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import Context
from typing import Any
from urllib.parse import unquote

import anyio
import httpx
from starlette.types import ASGIApp

from visualize.live.stopping import SCOPE_KEY

from .browser import raise_refused
from .errors import LabError
from .exchange import BUFFER, Exchange
from .lifespan import Lifespan
from .log import SERVER, kept_log

REQUESTS_LIMIT = 10.0
"""Seconds that open requests get when the lab stops."""
URL = "http://in-process"
NO_SERVER = (
    "There is no server here: the app is called in this event loop, which the client shares. "
    '"Sent" means that the last byte was put into the client\'s own buffer; while that holds more '
    f"than {BUFFER // 1024} KiB, the app waits before it sends more. Whatever holds the loop holds "
    "the client as well."
)


class InProcess(httpx.AsyncBaseTransport):
    """Carry an httpx client's requests to an app in this event loop, while it is started.

    It does what a server does around an app: its lifespan, an answer in place of an error, and a
    grace for open requests at the end. `quiet` keeps the log out of stderr, and in `log`.
    """

    how = NO_SERVER

    def __init__(self, app: ASGIApp, *, quiet: bool = False) -> None:
        self.log: list[str] = []
        self.should_exit = False
        self._app = app
        self._quiet = quiet
        self._kept = ExitStack()
        self._state: dict[str, Any] = {}
        self._open: set[asyncio.Task[None]] = set()
        self._lifespan: Lifespan | None = None

    @property
    def transport(self) -> InProcess:
        """Itself."""
        return self

    async def start_beside(self) -> None:
        """Return when the app has started. Raises LabError if it does not."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise LabError(
                "an app is called in-process on asyncio alone: run this on asyncio, or on a server"
            ) from None
        if self._quiet:
            self._kept.enter_context(kept_log(self.log))
        self._lifespan = Lifespan(self._app, {"state": self._state, **self._scoped()})
        try:
            await self._lifespan.startup()
        except BaseException:
            self._kept.close()
            raise

    async def stop_beside(self) -> None:
        """Return when open requests have ended and the app has shut down.

        Requests get 10 seconds, tasks what the app's limits give them. Raises LabError if the
        app's own shutdown hangs.
        """
        if self.should_exit or self._lifespan is None:
            return
        self.should_exit = True
        try:
            if self._open:
                await asyncio.wait(self._open, timeout=REQUESTS_LIMIT)
            for task in self._open:
                task.cancel("the lab stopped, and this request had 10 s to end")
            await self._lifespan.shutdown()
        finally:
            self._kept.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Call the app in a task of its own; return when its answer starts."""
        if self.should_exit or self._lifespan is None:
            raise httpx.ConnectError("the lab has stopped: start one again", request=request)
        exchange = Exchange(self._scope(request), _parts(request))
        # As for a server: nothing of the client's context reaches the app.
        task = asyncio.create_task(self._call(exchange), context=Context())
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        limit = request.extensions.get("timeout", {}).get("read")
        try:
            with timed(limit, request):
                if not await exchange.answered():
                    raise httpx.RemoteProtocolError(f"no answer: {exchange.broken}")
            raise_refused()
        except BaseException:
            exchange.leave()
            raise
        assert exchange.status is not None
        body = Body(exchange, limit, request)
        return httpx.Response(exchange.status, headers=exchange.headers, stream=body)

    async def _call(self, exchange: Exchange) -> None:
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            exchange.break_off("the lab stopped")
            raise
        except BaseException as error:
            await self._failed(exchange, "Exception in ASGI application", error)
        else:
            if not exchange.complete and not exchange.left:
                await self._failed(exchange, "the app returned before its answer was complete")

    async def _failed(
        self, exchange: Exchange, why: str, error: BaseException | None = None
    ) -> None:
        logging.getLogger(SERVER).error(why, exc_info=error)
        if exchange.status is not None:
            exchange.break_off(why)
            return
        plain = [(b"content-type", b"text/plain; charset=utf-8")]
        await exchange.send({"type": "http.response.start", "status": 500, "headers": plain})
        await exchange.send({"type": "http.response.body", "body": b"Internal Server Error"})

    def _scope(self, request: httpx.Request) -> dict[str, Any]:
        raw, _, query = request.url.raw_path.partition(b"?")
        return {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.url.scheme,
            "path": unquote(raw.decode("ascii")),
            "raw_path": raw,
            "query_string": query,
            "root_path": "",
            "headers": [(key.lower(), value) for key, value in request.headers.raw],
            "client": ("in-process", 0),
            "server": (request.url.host, request.url.port or 80),
            "state": self._state.copy(),
            **self._scoped(),
        }

    def _scoped(self) -> dict[str, Any]:
        return {"asgi": {"version": "3.0", "spec_version": "2.3"}, SCOPE_KEY: lambda: self}


class Body(httpx.AsyncByteStream):
    """The answer's body, as the client reads it."""

    def __init__(self, exchange: Exchange, limit: float | None, request: httpx.Request) -> None:
        self._exchange = exchange
        self._limit = limit
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            with timed(self._limit, self._request):
                part = await self._exchange.read()
            if part is None:
                break
            yield part
        if self._exchange.broken is not None:
            raise_refused()
            raise httpx.RemoteProtocolError(
                f"the answer broke off: {self._exchange.broken}", request=self._request
            )

    async def aclose(self) -> None:
        """Leave the rest, if there is one."""
        if not self._exchange.complete:
            self._exchange.leave()


@contextmanager
def timed(limit: float | None, request: httpx.Request) -> Iterator[None]:
    """Raise httpx.ReadTimeout after so many seconds of waiting; None is no limit."""
    try:
        with anyio.fail_after(limit):
            yield
    except TimeoutError:
        raise httpx.ReadTimeout(f"no answer within {limit:g} s", request=request) from None


async def _parts(request: httpx.Request) -> AsyncIterator[bytes]:
    assert isinstance(request.stream, httpx.AsyncByteStream)
    async for part in request.stream:
        yield part
