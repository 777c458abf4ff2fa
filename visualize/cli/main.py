"""Read the arguments, run the command, turn its end into an exit code."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import NoReturn

from fastapi_tasks import __version__

from .called import called
from .errors import FAILURE, USAGE, CommandError
from .files import reason

COMMANDS = ("demo", "record", "show", "compare", "playground")
BROKEN_PIPE = 128 + getattr(signal, "SIGPIPE", 13)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a standard output says that takes no more; of a file, the command has told by itself."""
EXTRAS = {
    **dict.fromkeys(("matplotlib", "PIL", "numpy"), "visualize"),
    **dict.fromkeys(("uvicorn", "httpx", "sqlalchemy", "aiosqlite"), "lab"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0, 1 for a failure, 2 for wrong usage."""
    _make_streams_safe()
    try:
        options = _options(arguments)
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except CommandError as error:
        print(f"visualize: {error}", file=sys.stderr)
        return error.code
    except ModuleNotFoundError as error:
        print(f"visualize: {_missing(error)}", file=sys.stderr)
        return FAILURE
    except BrokenPipeError:
        # Whoever read our output has left.
        _discard_output()
        return BROKEN_PIPE
    except OSError as error:
        if error.errno not in FULL or error.filename is not None:
            raise
        _discard_output()
        print(
            f"visualize: cannot write to standard output ({reason(error)}): send it elsewhere",
            file=sys.stderr,
        )
        return FAILURE


def _make_streams_safe() -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # It was closed before we started: then nobody wants to read it.
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        # A name that the terminal cannot show is written in escapes, never a crash.
        getattr(sys, name).reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Let the rest go nowhere, also what is in the buffer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    given = sys.argv[1:] if arguments is None else arguments
    options, unknown = parser().parse_known_args(list(_joined(given)))
    if unknown:
        name = options.command
        help_is = f"{called()} {name} --help shows what it takes"
        raise CommandError(f"{name} does not take {' '.join(unknown)} ({help_is})", USAGE)
    return options


def _joined(arguments: Sequence[str]) -> Iterator[str]:
    """Join the option that takes a filter to a filter such as `-outcome:ok`, else an option."""
    before = ""
    for argument in arguments:
        if before:
            yield f"{before}={argument}"
            before = ""
        elif argument == "--where":
            before = argument
        else:
            yield argument
    if before:
        yield before


def _missing(error: ModuleNotFoundError) -> str:
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        raise error
    return (
        f"this command needs {package}, which is not installed: "
        f"pip install 'fastapi-tasks-timeline[{EXTRAS[package]}]'"
        f", or run it with uvx 'fastapi-tasks-timeline[{EXTRAS[package]}]'"
    )


class Parser(argparse.ArgumentParser):
    """A parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        """End the command with what is wrong and where help is."""
        raise CommandError(f"{message} ({self.prog} --help shows how)", USAGE)


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    top = Parser(
        prog=called(),
        description="See when background tasks really run.",
        epilog=f"example: {called()} demo",
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        import_module(f".{command}", __package__).add_to(commands)
    return top
