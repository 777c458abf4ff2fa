"""Source files: whose code one holds, and how it is shown."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Collection
from enum import Enum
from functools import cached_property
from pathlib import PurePath
from types import CodeType
from typing import NamedTuple

from .. import steps


class Kind(Enum):
    """Whose code a file holds."""

    USER = "user"
    # Installed like a library, but the endpoints are in it.
    INSTALLED = "installed"
    FRAMEWORK = "framework"
    SERVER = "server"
    LOOP = "loop"
    OTHER = "other"


class File(NamedTuple):
    """What is known of a file: whose it is, how it is shown, and its module if it is installed."""

    kind: Kind
    shown: str
    module: str


PACKAGES = {"site-packages", "dist-packages"}
LIBRARIES = {
    **dict.fromkeys(("fastapi", "starlette"), Kind.FRAMEWORK),
    **dict.fromkeys(("daphne", "granian", "gunicorn", "hypercorn", "uvicorn"), Kind.SERVER),
    **dict.fromkeys(("anyio", "outcome", "trio", "uvloop"), Kind.LOOP),
}
STANDARD_LOOPS = {"asyncio", "selectors"}

_OWN_FOLDER = os.path.join(os.path.dirname(steps.__file__), "")
_STANDARD = {
    os.path.join(folder, "")
    for folder in (
        os.path.dirname(os.__file__),
        *(os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")),
    )
}
_SCRIPTS = sysconfig.get_path("scripts")


class Files:
    """Knows each file that it was asked for once.

    `own` names the packages that count as the user's where they are installed.
    """

    def __init__(self, own: Collection[str]) -> None:
        self._own = own
        self._known: dict[str, File] = {}

    @cached_property
    def _directory(self) -> str:
        # Asked for with the first line, from the thread that looks: on the loop it would block.
        try:
            return os.getcwd()
        except FileNotFoundError:
            return ""

    def of(self, code: CodeType) -> File:
        """Tell what is known of the file that holds this code."""
        name = code.co_filename
        known = self._known.get(name)
        if known is None:
            module = _installed(name)
            kind = self._kind(name, module)
            known = self._known[name] = File(kind, self._shown(name, module), module)
        return known

    def _kind(self, name: str, module: str) -> Kind:
        if name.startswith(_OWN_FOLDER):
            return Kind.LOOP
        if module:
            package = module.partition(".")[0]
            # Before the user's: the framework has endpoints too, such as those of its docs.
            installed = Kind.INSTALLED if package in self._own else Kind.OTHER
            return LIBRARIES.get(package, installed)
        for folder in _STANDARD:
            if name.startswith(folder):
                package = _dotted(PurePath(name[len(folder) :])).partition(".")[0]
                return Kind.LOOP if package in STANDARD_LOOPS else Kind.OTHER
        if name.startswith("<") or os.path.dirname(name) == _SCRIPTS:
            return Kind.OTHER
        return Kind.USER

    def _shown(self, name: str, module: str) -> str:
        """Write a path relative to the working directory or to where it is imported from."""
        path = PurePath(name)
        if path.parent.name.startswith("ipykernel_"):
            return "cell"
        if not path.is_absolute():
            return path.as_posix()
        folders = sorted(filter(os.path.isabs, sys.path), key=len, reverse=True)
        if not module:
            folders.insert(0, self._directory)
        for folder in folders:
            if folder and path.is_relative_to(folder):
                return path.relative_to(folder).as_posix()
        return path.name


def _installed(name: str) -> str:
    """Return the module of a file among installed ones, an empty text for any other file."""
    path = PurePath(name)
    for folder in path.parents:
        if folder.name in PACKAGES:
            return _dotted(path.relative_to(folder))
    return ""


def _dotted(path: PurePath) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")
