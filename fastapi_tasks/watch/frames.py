"""Whose code a frame is: the app's own, a library's, or that of the framework it runs in.

It is asked who handed work over. A library works for its caller: one looks further out. A framework
works for itself: nothing further out asked for it. What only passes calls on, such as the event
loop and what traces it, is nobody's.
"""

from __future__ import annotations

import sys
import sysconfig
from enum import Enum
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from os import path
from types import FrameType
from typing import Any


class Whose(Enum):
    """Whose code it is."""

    APP = "app"
    LIBRARY = "library"
    FRAMEWORK = "framework"
    NOBODY = "nobody"


# Modules, each with all that is below it; the standard library is nobody's too.
_FRAMEWORK = {
    "django",
    "fastapi",
    "fastapi_tasks",
    "granian",
    "gunicorn",
    "hypercorn",
    "litestar",
    "mangum",
    "opentelemetry.sdk",
    "starlette",
    "uvicorn",
}
_NOBODYS = {
    "anyio",
    "asyncer",
    "ddtrace",
    "elasticapm",
    "fastapi_tasks.watch",
    "logfire",
    "newrelic",
    "opentelemetry",
    "sentry_sdk",
    "starlette.concurrency",
    "trio",
    "uvloop",
    "wrapt",
}
# What makes a task for whoever calls it.
_MACHINERY = {
    "anyio._core._tasks",
    "anyio.abc._tasks",
    "anyio._backends._asyncio",
    "asyncio.base_events",
    "asyncio.events",
    "asyncio.futures",
    "asyncio.taskgroups",
    "asyncio.tasks",
}
# What `asyncio.run_coroutine_threadsafe` has the loop call.
_FROM_THREAD = "callback"
_INSTALLED = (f"{path.sep}site-packages{path.sep}", f"{path.sep}dist-packages{path.sep}")
_STDLIB = tuple(f"{sysconfig.get_path(name)}{path.sep}" for name in ("stdlib", "platstdlib"))

_ASYNC = CO_COROUTINE | CO_ASYNC_GENERATOR

_packages: set[str] = set()
_known: dict[tuple[str, str], Whose] = {}


def belongs_to_app(*packages: str) -> None:
    """Count these packages as the app's own, though they are installed as libraries are.

    What the framework itself is made of stays the framework's.
    """
    if not _packages.issuperset(packages):
        _packages.update(packages)
        _known.clear()


def whose(frame: FrameType) -> Whose:
    """Tell whose code the frame runs."""
    return _whose(frame.f_globals.get("__name__") or "", frame.f_code.co_filename)


def is_ours(frame: FrameType) -> bool:
    """Tell whether the frame is not of the app's own code."""
    return whose(frame) is not Whose.APP


def user_frame(frame: FrameType | None = None) -> FrameType | None:
    """Return the first frame of the app's own code, from `frame` or the caller outwards.

    None if the framework comes before it, or if there is none in the running task.
    """
    found = _first(frame or sys._getframe(1), (Whose.NOBODY, Whose.LIBRARY))
    return found if found is not None and whose(found) is Whose.APP else None


def is_framework_at_work(frame: FrameType | None = None) -> bool:
    """Tell whether the framework itself, not code of the app's, made the call that is under way."""
    found = _first(frame or sys._getframe(1), (Whose.NOBODY, Whose.LIBRARY))
    return found is not None and whose(found) is Whose.FRAMEWORK


def is_started_by_app(coroutine: Any, frame: FrameType | None = None) -> bool:
    """Tell whether it is the app that makes a task of this coroutine, here or at `frame`.

    A library does so for the app where the coroutine is of the app's own code; its own tasks, such
    as a driver's, are nobody else's business.
    """
    frame = frame or sys._getframe(1)
    maker = _maker(frame)
    if maker is not None and maker.f_code.co_name == _FROM_THREAD:
        # Another thread handed it to the loop: whoever did so stands in no frame here.
        return _is_apps(coroutine)
    if maker is not None and _module(maker).partition(".")[0] in ("anyio", "asyncio"):
        # A function of the loop's library, such as one that connects.
        return False
    starter = _first(frame, (Whose.NOBODY,))
    if starter is None or whose(starter) is not Whose.LIBRARY:
        return starter is not None and whose(starter) is Whose.APP
    return _is_apps(coroutine) and user_frame(starter) is not None


def _is_apps(coroutine: Any) -> bool:
    inside = getattr(coroutine, "cr_frame", None)
    return inside is not None and whose(inside) is Whose.APP


def _maker(frame: FrameType | None) -> FrameType | None:
    """Return the first frame that does more than make tasks for its caller."""
    while frame is not None:
        if frame.f_code.co_name == _FROM_THREAD and _module(frame) == "asyncio.tasks":
            return frame
        if _module(frame) not in _MACHINERY and not _module(frame).startswith(f"{__package__}."):
            return frame
        frame = frame.f_back
    return None


def _module(frame: FrameType) -> str:
    return frame.f_globals.get("__name__") or ""


def _first(frame: FrameType | None, passed: tuple[Whose, ...]) -> FrameType | None:
    """Return the first frame, within the running task, whose code is none of these."""
    while frame is not None:
        if whose(frame) not in passed:
            return frame
        outer = frame.f_back
        if outer is not None and _runs(outer, frame):
            return None
        frame = outer
    return None


def _runs(outer: FrameType, frame: FrameType) -> bool:
    """Tell whether `outer` is the loop that runs the task whose outermost frame is `frame`."""
    # What a coroutine is called by is something that awaits it, or else the loop.
    awaits = outer.f_code.co_flags & (_ASYNC | CO_GENERATOR)
    return bool(frame.f_code.co_flags & _ASYNC) and not awaits


def _whose(module: str, file: str) -> Whose:
    known = _known.get((module, file))
    if known is None:
        known = _known[module, file] = _listed(module) or _filed(module, file)
    return known


def _listed(module: str) -> Whose | None:
    parts = module.split(".")
    # The longest name that is listed decides.
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in _NOBODYS:
            return Whose.NOBODY
        if name in _FRAMEWORK:
            return Whose.FRAMEWORK
        if name in _packages:
            return Whose.APP
    return None


def _filed(module: str, file: str) -> Whose:
    if any(part in file for part in _INSTALLED):
        return Whose.LIBRARY
    if file.startswith("<"):
        is_standard = module.partition(".")[0] in sys.stdlib_module_names
    else:
        is_standard = file.startswith(_STDLIB)
    return Whose.NOBODY if is_standard else Whose.APP
