"""What a stack tells of who is at work: the deepest line of the user's code, or the phase."""

from __future__ import annotations

import inspect
import os
import sys
import sysconfig
from collections.abc import Collection
from enum import Enum
from pathlib import PurePath
from types import CodeType, FrameType
from typing import NamedTuple

from .. import steps
from ..names import harmless


class Sight(NamedTuple):
    """What one look at a thread has shown.

    `line` is a line of the user's code, or the phase of the framework's own work; None if there is
    neither. `root` names the function that the loop has called; None where the loop waits.
    `spot` tells whether two looks met the thread at the very same instruction.
    """

    line: str | None
    root: str | None
    spot: tuple[int, int]


class Kind(Enum):
    """Whose code a file holds."""

    USER = "user"
    # Installed like a library, but the endpoints are in it.
    INSTALLED = "installed"
    FRAMEWORK = "framework"
    SERVER = "server"
    LOOP = "loop"
    OTHER = "other"


PACKAGES = {"site-packages", "dist-packages"}
LIBRARIES = {
    **dict.fromkeys(("fastapi", "starlette"), Kind.FRAMEWORK),
    **dict.fromkeys(("daphne", "granian", "gunicorn", "hypercorn", "uvicorn"), Kind.SERVER),
    **dict.fromkeys(("anyio", "outcome", "trio", "uvloop"), Kind.LOOP),
}
STANDARD_LOOPS = {"asyncio", "selectors.py"}

# Here the framework runs the app's own code: a line outside of these waits for what is inside.
BOUNDARIES = {
    "fastapi.applications",
    "fastapi.routing",
    "starlette.applications",
    "starlette.middleware.errors",
    "starlette.middleware.exceptions",
    "starlette.routing",
}

PHASES = {
    "fastapi.dependencies.utils": "validation",
    "fastapi.encoders": "serialization",
    "fastapi.openapi.utils": "the OpenAPI schema",
    "fastapi.routing.serialize_response": "serialization",
    "starlette.formparsers": "reading the body",
    "starlette.requests": "reading the body",
    "starlette.responses": "sending",
    "starlette.responses.render": "serialization",
}


def runner_code() -> CodeType | None:
    """Return the code that runs the tasks and the callbacks of this loop; None outside of one."""
    runner = None
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        outside = frame.f_back
        if frame.f_code.co_flags & inspect.CO_COROUTINE:
            runner = outside and outside.f_code
        frame = outside
    return runner


class Stacks:
    """Reads stacks. `runner` is the code outside of which nothing is of interest.

    `own` names the packages that count as the user's where they are installed: lines outside of
    any installation are preferred to theirs.
    """

    def __init__(self, runner: CodeType | None, own: Collection[str]) -> None:
        self._runner = runner
        self._own = own
        self._files: dict[str, tuple[Kind, str]] = {}
        try:
            self._directory = os.getcwd()
        except FileNotFoundError:
            self._directory = ""

    def read(self, frame: FrameType) -> Sight:
        """Tell what the thread is at whose deepest frame this is."""
        spot = (id(frame), frame.f_lasti)
        search = _Search()
        idle = self._file(frame.f_code.co_filename)[0] is Kind.LOOP
        inner: FrameType | None = frame
        while inner is not None:
            code = inner.f_code
            if code is self._runner or code.co_filename == steps.__file__:
                idle = False
                break
            search.meet(inner, *self._file(code.co_filename))
            inner = inner.f_back
        return Sight(search.line, None if idle else search.root, spot)

    def _file(self, name: str) -> tuple[Kind, str]:
        known = self._files.get(name)
        if known is None:
            known = self._files[name] = self._kind(name), self._shown(name)
        return known

    def _kind(self, name: str) -> Kind:
        if name.startswith(_OWN_FOLDER):
            return Kind.LOOP
        if name.startswith("<"):
            return Kind.OTHER
        package = _installed(name)
        if package is not None:
            # Before the user's: the framework has endpoints too, such as those of its docs.
            if package in LIBRARIES:
                return LIBRARIES[package]
            return Kind.INSTALLED if package in self._own else Kind.OTHER
        for folder in _STANDARD:
            if name.startswith(folder):
                first = PurePath(name[len(folder) :]).parts[0]
                return Kind.LOOP if first in STANDARD_LOOPS else Kind.OTHER
        return Kind.OTHER if os.path.dirname(name) == _SCRIPTS else Kind.USER

    def _shown(self, name: str) -> str:
        """Write a path relative to the working directory or to where it is imported from."""
        if PurePath(name).parent.name.startswith("ipykernel_"):
            return "cell"
        if not os.path.isabs(name):
            return PurePath(name).as_posix()
        folders = sorted(filter(os.path.isabs, sys.path), key=len, reverse=True)
        if _installed(name) is None:
            folders.insert(0, self._directory)
        for folder in folders:
            if folder and name.startswith(os.path.join(folder, "")):
                return PurePath(os.path.relpath(name, folder)).as_posix()
        return PurePath(name).name


class _Search:
    """Goes through a stack from its deepest frame outwards."""

    def __init__(self) -> None:
        self._user: str | None = None
        self._installed: str | None = None
        self._phase: str | None = None
        self._root: CodeType | None = None
        self._user_root: CodeType | None = None
        self._over = False

    def meet(self, frame: FrameType, kind: Kind, path: str) -> None:
        """Go on to the next frame outwards, in a file of this kind and path."""
        if kind is Kind.LOOP:
            return
        self._root = frame.f_code
        if kind is Kind.USER or kind is Kind.INSTALLED:
            self._user_root = frame.f_code
        if self._over:
            return
        if kind is Kind.USER:
            self._user = _place(frame, path)
            self._over = True
        elif kind is Kind.INSTALLED:
            self._installed = self._installed or _place(frame, path)
        elif kind is Kind.FRAMEWORK:
            self._meet_framework(frame)
        elif kind is Kind.SERVER:
            # A line outside of it waits for a message to be sent.
            self._phase = self._phase or "the server's own work"
            self._over = True

    def _meet_framework(self, frame: FrameType) -> None:
        module: str = frame.f_globals.get("__name__", "")
        self._phase = self._phase or _phase(module, frame.f_code.co_name)
        self._over = module in BOUNDARIES

    @property
    def line(self) -> str | None:
        """The deepest line of the user's, else the deepest phase."""
        return self._user or self._installed or self._phase

    @property
    def root(self) -> str | None:
        """The outermost function, of the user's if any is."""
        code = self._user_root or self._root
        return None if code is None else harmless(_name(code))


def _phase(module: str, function: str) -> str | None:
    if module.startswith("starlette.middleware.") and module not in BOUNDARIES:
        return "middleware"
    return PHASES.get(f"{module}.{function}") or PHASES.get(module)


def _place(frame: FrameType, path: str) -> str:
    # Some instructions belong to no line.
    line = frame.f_lineno or frame.f_code.co_firstlineno
    return harmless(f"{path}:{line} in {_name(frame.f_code)}")


def _name(code: CodeType) -> str:
    names = code.co_qualname.split(".<locals>.")
    # A comprehension or a lambda says less than the function that it stands in.
    while len(names) > 1 and names[-1].startswith("<"):
        names.pop()
    return names[-1]


def _installed(name: str) -> str | None:
    """Return the top package of a file among installed ones, None for any other file."""
    parts = PurePath(name).parts
    for position in range(len(parts) - 1, 0, -1):
        if parts[position - 1] in PACKAGES:
            return parts[position].removesuffix(".py")
    return None


_OWN_FOLDER = os.path.join(os.path.dirname(steps.__file__), "")
_STANDARD = tuple(
    {
        os.path.join(os.path.realpath(sysconfig.get_path(name)), "")
        for name in ("stdlib", "platstdlib")
    }
    | {os.path.join(os.path.dirname(os.__file__), "")}
)
_SCRIPTS = sysconfig.get_path("scripts")
