"""Whose code a frame is: the app's own, that of a library, or that of the framework it runs in.

It is asked who handed work over, or what held the event loop. A library works for its caller: one
looks further out. A framework works for itself: nothing further out asked for it.
"""

from __future__ import annotations

import sys
import sysconfig
from enum import Enum
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from os import path
from types import FrameType


class Whose(Enum):
    """Whose code it is."""

    APP = "app"
    LIBRARY = "library"
    FRAMEWORK = "framework"


# Modules, each with all that is below it.
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
    "visualize",
}
_LIBRARY = {
    "anyio",
    "fastapi_tasks.watch",
    "opentelemetry",
    "sentry_sdk",
    "starlette.concurrency",
    "trio",
    "uvloop",
    "wrapt",
}
_INSTALLED = (f"{path.sep}site-packages{path.sep}", f"{path.sep}dist-packages{path.sep}")
_STDLIB = tuple(f"{sysconfig.get_path(name)}{path.sep}" for name in ("stdlib", "platstdlib"))

_ASYNC = CO_COROUTINE | CO_ASYNC_GENERATOR

_packages: set[str] = set()
_known: dict[tuple[str, str], Whose] = {}


def belongs_to_app(*packages: str) -> None:
    """Count these packages as the app's own, though they are installed as libraries are."""
    _packages.update(packages)
    _known.clear()


def whose(frame: FrameType) -> Whose:
    """Tell whose code the frame runs."""
    key = (frame.f_globals.get("__name__") or "", frame.f_code.co_filename)
    known = _known.get(key)
    if known is None:
        known = _known[key] = _whose(*key)
    return known


def is_ours(frame: FrameType) -> bool:
    """Tell whether the frame is not of the app's own code."""
    return whose(frame) is not Whose.APP


def user_frame(frame: FrameType | None = None) -> FrameType | None:
    """Return the first frame of the app's own code, from `frame` or the caller outwards.

    None if the framework comes before it, or if there is none in the running task.
    """
    found = _first_not_library(frame or sys._getframe(1))
    return found if found is not None and whose(found) is Whose.APP else None


def is_framework_at_work(frame: FrameType | None = None) -> bool:
    """Tell whether the framework itself, not code of the app's, made the call that is under way."""
    found = _first_not_library(frame or sys._getframe(1))
    return found is not None and whose(found) is Whose.FRAMEWORK


def _first_not_library(frame: FrameType | None) -> FrameType | None:
    while frame is not None:
        if whose(frame) is not Whose.LIBRARY:
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
    parts = module.split(".")
    # The longest name that is listed decides.
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in _packages:
            return Whose.APP
        if name in _LIBRARY:
            return Whose.LIBRARY
        if name in _FRAMEWORK:
            return Whose.FRAMEWORK
    if file.startswith("<"):
        return Whose.LIBRARY if parts[0] in sys.stdlib_module_names else Whose.APP
    is_library = file.startswith(_STDLIB) or any(part in file for part in _INSTALLED)
    return Whose.LIBRARY if is_library else Whose.APP
