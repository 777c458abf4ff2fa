"""Dependencies: the set-up and the close of each, sub-dependencies too."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from threading import get_ident
from typing import Any

from ..callables import display_name
from ..timeline import SpanKind
from .here import Here, Open, begin, here, past
from .hook import tried

_COPIED = ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__")


def watch_dependant(dependant: Any, leave_out: Callable[..., Any]) -> None:
    """Watch all that a route's dependant depends on; but for `leave_out`, the library's own."""
    for one in dependant.dependencies:
        call = one.call
        if call is None or call is leave_out or isinstance(call, Dependency):
            continue
        one.call = Dependency(call)
        watch_dependant(one, leave_out)


class Dependency(functools.partial[Any]):
    """Stands for the function of a dependency, to FastAPI and to whoever looks it up.

    It equals what it stands for: so overrides and the cache of a request find it. It is a partial
    of it, since FastAPI looks through those: whether something is awaited, entered or sent to a
    thread is decided by the function itself.
    """

    _call: Callable[..., Any]
    _name: str

    def __new__(cls, call: Callable[..., Any]) -> Dependency:
        """Stand for `call`, which may be a partial too."""
        made = super().__new__(cls, call)
        made._call = call
        made._name = display_name(call)
        for name in _COPIED:
            if hasattr(call, name):
                setattr(made, name, getattr(call, name))
        if not inspect.isclass(call):
            # Before release 0.123 FastAPI looks here, and not through partials.
            target: Any = call
            vars(made)["__call__"] = target if inspect.isroutine(call) else target.__call__
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Dependency):
            other = other._call
        return bool(self._call == other)

    def __hash__(self) -> int:
        return hash(self._call)

    def __repr__(self) -> str:
        return repr(self._call)

    def __call__(self, /, **values: Any) -> Any:
        place = here.get()
        if place is None:
            return self._call(**values)
        if get_ident() != place.request.thread:
            # What FastAPI sends to a thread does its work in this call, whatever it returns.
            return _function(self._name, self._call, values)
        begun = place.request.keeper.clock()
        return _watched(self._name, self._call(**values), place, begun)

    def __getattr__(self, name: str) -> Any:
        if name == "_call":  # while it is being copied
            raise AttributeError(name)
        return getattr(self._call, name)


class _Spanning:
    """Record a block, which is a part of a dependency, as a span.

    Of a close, no error is what says that the generator has ended, nor `passed`: what left the
    endpoint, and the dependency lets through.
    """

    __slots__ = ("_ends", "_opened", "_passed")

    def __init__(
        self, name: str, kind: SpanKind = "dependency", passed: BaseException | None = None
    ) -> None:
        self._passed = passed
        self._ends = (StopIteration, StopAsyncIteration) if kind == "close" else ()
        self._opened: Open | None = tried(begin, name, kind)

    def __enter__(self) -> None: ...

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        passed, self._passed = self._passed, None
        if self._opened is not None:
            is_error = error is not passed and not isinstance(error, self._ends)
            tried(self._opened.end, error if is_error else None)


def _function(name: str, call: Callable[..., Any], values: dict[str, Any]) -> Any:
    with _Spanning(name):
        return call(**values)


def _watched(name: str, result: Any, place: Here, begun: int) -> Any:
    """Return what FastAPI is to await or to enter instead of `result`."""
    if inspect.isawaitable(result):
        return _awaiting(name, result)
    if inspect.isgenerator(result):
        return _generator(name, result)
    if inspect.isasyncgen(result):
        return _async_generator(name, result)
    tried(past, place, name, "dependency", begun)
    return result


async def _awaiting(name: str, awaitable: Awaitable[Any]) -> Any:
    with _Spanning(name):
        return await awaitable


def _generator(name: str, generator: Generator[Any, Any, Any]) -> Iterator[Any]:
    with _Spanning(name):
        value = next(generator)
    try:
        try:
            yield value
        except BaseException as thrown:
            with _Spanning(name, "close", thrown):
                generator.throw(thrown)
        else:
            with _Spanning(name, "close"):
                next(generator)
    except StopIteration:
        return
    # It yielded once more: FastAPI says so itself.
    yield


async def _async_generator(name: str, generator: AsyncGenerator[Any, Any]) -> AsyncIterator[Any]:
    with _Spanning(name):
        value = await anext(generator)
    try:
        try:
            yield value
        except BaseException as thrown:
            with _Spanning(name, "close", thrown):
                await generator.athrow(thrown)
        else:
            with _Spanning(name, "close"):
                await anext(generator)
    except StopAsyncIteration:
        return
    yield
