"""Find the app that a command line names."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path

from fastapi import FastAPI

from .errors import USAGE, CommandError


def load_app(name: str) -> FastAPI:
    """Import the app that `module:name` stands for, from the current folder or the environment.

    Raises CommandError, which says in one line what is in the way.
    """
    module_name, colon, path = name.partition(":")
    if not (module_name and colon and path):
        raise CommandError(
            f"{name!r} names no app: give its module and its name, such as main:app", USAGE
        )
    found: object = _import(module_name)
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            raise CommandError(
                f"module {module_name} has no {path}: give the name of its FastAPI app"
            )
        found = getattr(found, attribute)
    if not isinstance(found, FastAPI):
        raise CommandError(
            f"{name} is of type {type(found).__name__}, not a FastAPI app: "
            "give the app itself, without what wraps or makes it"
        )
    return found


def _import(name: str) -> object:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        missing = isinstance(error, ModuleNotFoundError) and name == error.name
        if missing or (
            isinstance(error, ModuleNotFoundError) and name.startswith(f"{error.name}.")
        ):
            raise CommandError(
                f"there is no module {name} in {here} or among the installed packages: "
                "run this in the folder that holds it"
            ) from None
        raise CommandError(_explain(name, error)) from None


def _explain(name: str, error: BaseException) -> str:
    """Say what failed and in which line of whose file, as a traceback's last lines do."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return f"importing {name} failed: {words} ({last.filename}, line {last.lineno})"
