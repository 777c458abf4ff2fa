"""Calls to elsewhere that httpx makes, or httpx2, as spans: method and host, body included."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

from ..names import harmless
from .here import Open, begin
from .hook import around, replace, tried


def install() -> None:
    """Record calls from now on, also of clients that exist; nothing without the library."""
    for name in ("httpx", "httpx2"):
        module: Any = sys.modules.get(name)
        if module is not None and hasattr(module, "AsyncClient"):
            _watch(module.Client, _Tail, module.SyncByteStream)
            _watch(module.AsyncClient, _AsyncTail, module.AsyncByteStream)


def _watch(client: Any, tail: type, stream: type) -> None:
    replace(client, "send", lambda own: around(own, _begin, _answering(tail, stream)))


def _begin(client: Any, request: Any, *args: Any, **kwargs: Any) -> Open | None:  # noqa: ARG001
    method = request.method if request.method.isalpha() else "HTTP"
    return begin(harmless(f"{method} {request.url.host}"), "http", {})


def _answering(tail: type, stream: type) -> Callable[[Open, Any], None]:
    # The library looks at the class of a response's stream.
    tail = type(tail.__name__, (tail, stream), {})

    def answered(opened: Open, response: Any) -> None:
        opened.span.attributes["status"] = str(int(response.status_code))
        if response.is_closed:
            opened.end()
        else:
            # The caller reads the body; what it does meanwhile is not part of the call.
            opened.leave()
            response.stream = tail(response.stream, opened)

    return answered


class _Body:
    """The body of a response that its caller reads: the call is over when that is."""

    def __init__(self, stream: Any, opened: Open) -> None:
        self._stream = stream
        self._opened: Open | None = opened
        self._parts: Any = None

    def _over(self, error: BaseException | None = None) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            tried(opened.end, error)


# Iterators rather than generators: one that is left half-way needs nobody to close it.


class _Tail(_Body):
    def __iter__(self) -> Iterator[bytes]:
        self._parts = iter(self._stream)
        return self

    def __next__(self) -> bytes:
        try:
            return cast(bytes, next(self._parts))
        except StopIteration:
            raise
        except BaseException as error:
            self._over(error)
            raise

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._over()


class _AsyncTail(_Body):
    def __aiter__(self) -> AsyncIterator[bytes]:
        self._parts = aiter(self._stream)
        return self

    async def __anext__(self) -> bytes:
        try:
            return cast(bytes, await anext(self._parts))
        except StopAsyncIteration:
            raise
        except BaseException as error:
            self._over(error)
            raise

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._over()
