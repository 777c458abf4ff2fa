"""What may be scheduled, and how it is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, Protocol

from starlette.datastructures import UploadFile

from .log import log


class Titled(Protocol):
    """A task."""

    @property
    def title(self) -> str:
        """The task in words."""


_COROUTINE = inspect.CO_COROUTINE
_REFUSED_FLAGS = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


def display_name(func: Callable[..., Any]) -> str:
    """Name a callable as a reader of a timeline would: `send_mail`, `Mailer.send`."""
    if type(func) is FunctionType:
        return _without_locals(func.__qualname__)
    while isinstance(func, functools.partial):
        func = func.func
    name = getattr(func, "__qualname__", None)
    # A proxy may answer every attribute with something of its own.
    return _without_locals(name if isinstance(name, str) else type(func).__qualname__)


# The recording keeps the name of every task, so it had better be the same string.
@functools.lru_cache(1024)
def _without_locals(qualified: str) -> str:
    return qualified.rpartition("<locals>.")[2]


def is_coroutine_function(func: Callable[..., Any]) -> bool:
    """Tell whether calling `func` only makes a coroutine. Raises TypeError for what cannot run."""
    if type(func) is FunctionType:
        flags = func.__code__.co_flags
        if not flags & _REFUSED_FLAGS:
            return flags & _COROUTINE != 0 or inspect.iscoroutinefunction(func)
    return _examine(func)


def _examine(func: Any) -> bool:
    if inspect.iscoroutine(func):
        func.close()
        name = func.__qualname__
        raise TypeError(
            f"schedule() got a coroutine object, {name}(…), which could run only once and "
            f"outside of the task: pass the function and its arguments, schedule({name}, …)"
        )
    if not callable(func):
        raise TypeError(
            f"schedule() got {_describe(func)}, which cannot be called: pass a function, "
            "then its arguments"
        )
    call = _called(func)
    if inspect.isgeneratorfunction(call) or inspect.isasyncgenfunction(call):
        name = display_name(func)
        kind = "an async generator" if inspect.isasyncgenfunction(call) else "a generator"
        raise TypeError(
            f"schedule() got {kind} function, {name}: calling it runs none of its code. "
            "Pass a function that iterates over it"
        )
    return inspect.iscoroutinefunction(call)


def _called(func: Any) -> Any:
    """Find the function that runs when `func` is called."""
    while isinstance(func, functools.partial):
        func = func.func
    if inspect.isroutine(func) or inspect.isclass(func):
        return func
    return type(func).__call__


def check_arguments(func: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> None:
    """Raise TypeError if `func` cannot take these arguments. Their values are not shown."""
    if type(func) is FunctionType and not kwargs and func.__kwdefaults__ is None:
        code = func.__code__
        required = code.co_argcount - len(func.__defaults__ or ())
        if not code.co_kwonlyargcount and required <= len(args) <= code.co_argcount:
            return
    if callable(getattr(func, "__signature__", None)):
        # Python 3.12 and 3.13 would call it, and a proxy sends such a call to its server.
        return
    try:
        # Of what is called, and not of what that wraps: a decorator may add arguments of its own.
        signature = inspect.signature(func, follow_wrapped=False)
    except (TypeError, ValueError):
        # Some builtins have no signature, some proxies a false one: the call itself will tell.
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        name = display_name(func)
        raise TypeError(
            f"{name}{signature} cannot be called with the arguments given to schedule(): {error}"
        ) from None


def warn_of_files(task: Titled, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Say so in the log if an upload is handed to a task: it is closed when the request ends."""
    if any(isinstance(one, UploadFile) for one in (*args, *kwargs.values())):
        log.warning(
            "task %s is given an UploadFile, which is closed when its request ends, perhaps before "
            "the task reads it: read it first, and give the task its bytes",
            task.title,
        )


def _describe(value: Any) -> str:
    return f"an object of type {type(value).__name__}"
