"""Find the app that a command line names, or have it made."""

from __future__ import annotations

import importlib
import inspect
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from .errors import USAGE, CommandError

_OTHERS = (
    "<frozen",
    __file__,
    *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")),
)
"""How the files begin that are not the app's."""

_WANTED = "give the name of the app, or of a function without arguments that makes it"


def load_app(name: str) -> ASGIApp:
    """Import the app that `module:name` stands for, from the current folder or the environment.

    A factory is called: `module:name()`, or a function that takes no scope, receive and send.
    Raises CommandError, which says in one line what is in the way.
    """
    module_name, colon, path = name.partition(":")
    if not (module_name and colon and path):
        raise CommandError(
            f"{name!r} names no app: give its module and its name, such as main:app", USAGE
        )
    if not all(map(str.isidentifier, module_name.split("."))) or module_name.endswith(".py"):
        raise CommandError(
            f"{module_name!r} is no name of a module: write it as an import does, such as main:app "
            "or shop.main:app",
            USAGE,
        )
    found: Any = _import(module_name)
    for attribute in path.removesuffix("()").split("."):
        if not hasattr(found, attribute):
            raise CommandError(f"module {module_name} has no {path}: give the name of its app")
        found = getattr(found, attribute)
    if path.endswith("()") or _is_factory(found):
        found = _made_by(found, name)
    if not _takes(found, "scope", "receive", "send"):
        raise CommandError(f"{name} is of type {type(found).__name__}, not an ASGI app: {_WANTED}")
    app: ASGIApp = found
    return app


def _is_factory(found: Any) -> bool:
    """Tell whether this makes an app when it is called; what is one takes three arguments."""
    makes = inspect.isroutine(found) or inspect.isclass(found) or isinstance(found, partial)
    return makes and not _takes_only_as_app(found)


def _takes_only_as_app(found: Any) -> bool:
    called_as_app = _takes(found, "scope", "receive", "send")
    # What can be called in both ways is an app where it has to be awaited, as apps are.
    return called_as_app and (inspect.iscoroutinefunction(found) or not _takes(found))


def _takes(found: Any, *values: str) -> bool:
    if not callable(found):
        return False
    try:
        inspect.signature(found).bind(*values)
    except TypeError:
        return False
    except ValueError:
        # Written in C, without a signature: it may.
        return True
    return True


def _made_by(factory: Any, name: str) -> Any:
    called = name.removesuffix("()")
    if not callable(factory):
        raise CommandError(
            f"{called} is of type {type(factory).__name__}, which nobody can call: {_WANTED}"
        )
    if inspect.iscoroutinefunction(factory):
        raise CommandError(
            f"{called} is a coroutine function, and no event loop runs before the server does: "
            "make the app in a plain function, and await in its lifespan"
        )
    if not _takes(factory):
        raise CommandError(
            f"{called} needs arguments, and nobody is there to give them: "
            "name a function that makes the app without any"
        )
    try:
        return factory()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise CommandError(_explain(f"calling {called}", error)) from None


def _import(name: str) -> object:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        with _no_server_of_its_own(name):
            return importlib.import_module(name)
    except (KeyboardInterrupt, CommandError):
        raise
    except BaseException as error:
        missing = isinstance(error, ModuleNotFoundError) and name == error.name
        if missing or (
            isinstance(error, ModuleNotFoundError) and name.startswith(f"{error.name}.")
        ):
            holder = Path("src", name.partition(".")[0])
            below = (
                ", which is src" if holder.exists() or holder.with_suffix(".py").exists() else ""
            )
            raise CommandError(
                f"there is no module {name} in {here} or among the installed packages: "
                f"run this in the folder that holds it{below}"
            ) from None
        raise CommandError(_explain(f"importing {name}", error)) from None


@contextmanager
def _no_server_of_its_own(name: str) -> Iterator[None]:
    """Refuse to import what serves its app meanwhile: the import would never end."""
    import uvicorn

    def refuse(*_: Any, **__: Any) -> None:
        raise CommandError(
            f"{name} serves its app itself as soon as it is imported, where nothing is recorded: "
            'put its uvicorn.run() under `if __name__ == "__main__":`'
        )

    own = uvicorn.Server.run, uvicorn.Server.serve
    uvicorn.Server.run = uvicorn.Server.serve = refuse  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        uvicorn.Server.run, uvicorn.Server.serve = own  # type: ignore[method-assign]


def _explain(doing: str, error: BaseException) -> str:
    """Say what failed and in which line of whose file."""
    if isinstance(error, SyntaxError):
        return f"{doing} failed: {type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    # The app's own line, where it has one: that of a library says less.
    own = [one for one in frames if not one.filename.startswith(_OTHERS)]
    last = (own or frames)[-1]
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{doing} failed: {words} ({last.filename}, line {last.lineno})"
