"""Dependencies: the set-up and the close of each, sub-dependencies too."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from ..callables import display_name
from .here import Open, begin

_COPIED = ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__")


def watch_dependant(dependant: Any, leave_out: Callable[..., Any]) -> None:
    """Watch all that a route's dependant depends on; but for `leave_out`, the library's own."""
    for one in dependant.dependencies:
        call = one.call
        if call is None or call is leave_out or isinstance(call, Dependency):
            continue
        one.call = Dependency(call)
        watch_dependant(one, leave_out)


class Dependency:
    """Stands for the function of a dependency, to FastAPI and to whoever looks it up.

    It equals what it stands for: so overrides and the cache of a request find it.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self.__wrapped__ = call
        for name in _COPIED:
            if hasattr(call, name):
                setattr(self, name, getattr(call, name))
        self._name = display_name(call)
        self._run = _runner(call)
        # Older releases of FastAPI read off this which kind of function they call.
        self.__dict__["__call__"] = functools.partial(self._run, self._name, call)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Dependency):
            other = other.__wrapped__
        return bool(self.__wrapped__ == other)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __call__(self, /, **values: Any) -> Any:
        return self._run(self._name, self.__wrapped__, values)

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":  # while it is being copied
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)


def _runner(call: Callable[..., Any]) -> Callable[..., Any]:
    target: Any = inspect.unwrap(call)
    if not inspect.isroutine(target) and not inspect.isclass(target):
        target = getattr(target, "__call__", target)  # noqa: B004
    if inspect.isasyncgenfunction(target):
        return _async_generator
    if inspect.isgeneratorfunction(target):
        return _generator
    return _coroutine if inspect.iscoroutinefunction(target) else _function


def _end(opened: Open | None, error: BaseException | None = None) -> None:
    if opened is not None:
        opened.end(error)


def _function(name: str, call: Callable[..., Any], values: dict[str, Any]) -> Any:
    opened = begin(name, "dependency")
    try:
        result = call(**values)
    except BaseException as error:
        _end(opened, error)
        raise
    _end(opened)
    return result


async def _coroutine(name: str, call: Callable[..., Any], values: dict[str, Any]) -> Any:
    opened = begin(name, "dependency")
    try:
        result = await call(**values)
    except BaseException as error:
        _end(opened, error)
        raise
    _end(opened)
    return result


def _generator(name: str, call: Callable[..., Any], values: dict[str, Any]) -> Iterator[Any]:
    opened = begin(name, "dependency")
    generator = call(**values)
    try:
        value = next(generator)
    except BaseException as error:
        _end(opened, error)
        raise
    _end(opened)
    try:
        yield value
    except BaseException as thrown:
        opened = begin(name, "close")
        try:
            generator.throw(thrown)
        except StopIteration:
            _end(opened)
            return
        except BaseException as error:
            _end(opened, None if error is thrown else error)
            raise
    else:
        opened = begin(name, "close")
        try:
            next(generator)
        except StopIteration:
            _end(opened)
            return
        except BaseException as error:
            _end(opened, error)
            raise
    _end(opened)
    # It yielded once more: FastAPI says so itself.
    yield


async def _async_generator(
    name: str, call: Callable[..., Any], values: dict[str, Any]
) -> AsyncIterator[Any]:
    opened = begin(name, "dependency")
    generator = call(**values)
    try:
        value = await anext(generator)
    except BaseException as error:
        _end(opened, error)
        raise
    _end(opened)
    try:
        yield value
    except BaseException as thrown:
        opened = begin(name, "close")
        try:
            await generator.athrow(thrown)
        except StopAsyncIteration:
            _end(opened)
            return
        except BaseException as error:
            _end(opened, None if error is thrown else error)
            raise
    else:
        opened = begin(name, "close")
        try:
            await anext(generator)
        except StopAsyncIteration:
            _end(opened)
            return
        except BaseException as error:
            _end(opened, error)
            raise
    _end(opened)
    yield
