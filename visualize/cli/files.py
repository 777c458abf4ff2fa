"""Files that a command writes."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path

from fastapi_tasks.files import beginning, target_of, writing

from .errors import USAGE, CommandError
from .signals import uninterrupted

STANDARD_OUTPUT = Path("-")


def folder(path: Path) -> Path:
    """Make a folder ready to write into. Raises CommandError before any work is done in vain."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise CommandError(
            f"cannot write into {path} ({reason(error)}): give another folder"
        ) from None


def write(path: Path, content: bytes) -> None:
    """Write a file whole, `-` to standard output: an old one stays until the new one is complete.

    Raises CommandError if it cannot be written.
    """
    if path == STANDARD_OUTPUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        return
    try:
        # A pipe may wait for its reader for ever, and leaves nothing to clean up.
        with nullcontext() if target_of(path) is None else uninterrupted(), writing(path) as file:
            file.write(content)
    except OSError as error:
        raise unwritable(path, error) from None


def guard(path: Path, kind: str, is_ours: Callable[[bytes], bool], *, force: bool = False) -> None:
    """Raise CommandError if writing would replace what is no such `kind` of file of ours.

    `is_ours` is asked of the beginning of what is there. `force` lets all be replaced.
    """
    if path == STANDARD_OUTPUT or force:
        return
    try:
        head = beginning(path)
    except OSError as error:
        raise unwritable(path, error) from None
    if head and not is_ours(head):
        raise CommandError(
            f"{path} is there and holds no {kind} of ours: give another name, "
            "or --force to replace it",
            USAGE,
        )


def refuse_twins(files: Mapping[str, Path]) -> None:
    """Raise CommandError if two outputs, by what asks for them, would be one file."""
    seen: dict[Path, str] = {}
    for option, path in files.items():
        place = path if path == STANDARD_OUTPUT else Path(os.path.realpath(path))
        if place in seen:
            raise CommandError(
                f"{seen[place]} and {option} would both be written to {path}: "
                "give each a file of its own",
                USAGE,
            )
        seen[place] = option


def unwritable(path: Path, error: OSError) -> CommandError:
    """Say in one line that a file cannot be written."""
    return CommandError(f"cannot write {path} ({reason(error)}): give another place")


def reason(error: OSError) -> str:
    """Return the system's words for what went wrong."""
    return (error.strerror or type(error).__name__).lower()
