"""Work that the app's code sends to threads, as spans.

`asyncio.to_thread`, `run_in_executor` and executors all hand it to `ThreadPoolExecutor.submit`;
`run_in_threadpool` and AnyIO to AnyIO's backend. A span begins when the function does, in its
thread; if it waited for a thread, that is a span before it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any

from anyio.lowlevel import current_token

from ..callables import display_name
from ..names import harmless
from .frames import is_framework_at_work
from .here import Here, Open, begin, here, past
from .hook import SHORTEST_WAIT, once, replace, tried

WAIT = "waits for a thread"

# What says that an iteration is over is no failure; Starlette has one of its own for that.
_ENDS = ("StopIteration", "_StopIteration")
_LOOK_UPS = ("getaddrinfo", "getnameinfo", "_getaddrinfo_debug")


def install() -> None:
    """Record work for threads from now on; AnyIO's only where its event loop runs."""
    replace(ThreadPoolExecutor, "submit", _submit)
    try:
        backend: Any = current_token().backend_class
    except RuntimeError:  # AnyIO's own for this has changed its name.
        return
    # Not `anyio.to_thread.run_sync`, which many have imported by its name before.
    if once(backend, "run_sync_in_worker_thread"):
        run: Any = backend.run_sync_in_worker_thread
        backend.run_sync_in_worker_thread = staticmethod(_run_sync(run))


def _submit(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        place = here.get()
        if place is not None and not tried(_is_own_work, fn):
            fn, args = tried(_handed, place, fn, args) or (fn, args)
        return original(self, fn, *args, **kwargs)

    return submit


def _run_sync(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def run_sync_in_worker_thread(
        func: Callable[..., Any], args: tuple[Any, ...], *rest: Any, **options: Any
    ) -> Any:
        place = here.get()
        if place is not None and not tried(_is_own_work, func):
            func, args = tried(_handed, place, func, args) or (func, args)
        return await original(func, args, *rest, **options)

    return run_sync_in_worker_thread


def _is_own_work(func: Callable[..., Any]) -> bool:
    """Tell whether the framework or the loop sends this to a thread for itself."""
    # asyncio looks names up for whatever connects; uvloop does so out of sight.
    return getattr(func, "__name__", "") in _LOOK_UPS or is_framework_at_work()


def _handed(
    place: Here, func: Callable[..., Any], args: tuple[Any, ...]
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return what to call in the thread instead of `func(*args)`."""
    if type(func) is functools.partial and _is_run_in_context(func.func):
        # As `asyncio.to_thread` makes it: the span must be where its function sees it.
        inner, *others = func.args
        handed = functools.partial(func.func, _Handed(place, inner), *others, **func.keywords)
        return handed, args
    if _is_run_in_context(func):
        return func, (_Handed(place, args[0]), *args[1:])
    return _Handed(place, func), args


def _is_run_in_context(func: Any) -> bool:
    return isinstance(getattr(func, "__self__", None), Context) and func.__name__ == "run"


class _Handed:
    """A function on its way to a thread."""

    __slots__ = ("_func", "_place", "_since")

    def __init__(self, place: Here, func: Callable[..., Any]) -> None:
        self._place = place
        self._func = func
        self._since = place.request.keeper.clock()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        # Executors copy no context, and their threads keep theirs.
        token = here.set(self._place)
        try:
            return self._call(tried(self._begin), args, kwargs)
        finally:
            here.reset(token)

    def _call(self, opened: Open | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if opened is None:
            return self._func(*args, **kwargs)
        try:
            result = self._func(*args, **kwargs)
        except BaseException as error:
            tried(opened.end, None if type(error).__name__ in _ENDS else error)
            raise
        tried(opened.end)
        return result

    def _begin(self) -> Open | None:
        if self._place.request.keeper.clock() - self._since > SHORTEST_WAIT:
            past(self._place, WAIT, "pool", self._since)
        return begin(harmless(display_name(self._func)), "thread")
