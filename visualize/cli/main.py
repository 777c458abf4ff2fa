"""Read the arguments, run the command, turn its end into an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import demo
from .errors import USAGE, CommandError

COMMANDS = (demo,)
BROKEN_PIPE = 128 + 13


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0, 1 for a failure, 2 for wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show is written in escapes, never a crash.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        options = parser().parse_args(arguments)
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except CommandError as error:
        print(f"visualize: {error}", file=sys.stderr)
        return error.code
    except BrokenPipeError:
        # Whoever read our output has left: the rest goes nowhere, also what is in the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


class Parser(argparse.ArgumentParser):
    """A parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        """End the command with what is wrong and where help is."""
        raise CommandError(f"{message}; {self.prog} --help shows how", USAGE)


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    top = Parser(
        prog="python -m visualize",
        description="See when background tasks really run.",
    )
    commands = top.add_subparsers(metavar="command", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    return top
