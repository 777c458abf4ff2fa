"""Files that a command writes."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from .errors import CommandError
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
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with uninterrupted():
        try:
            try:
                unfinished.write_bytes(content)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> CommandError:
    """Say in one line that a file cannot be written."""
    return CommandError(f"cannot write {path} ({reason(error)}): give another place")


def reason(error: OSError) -> str:
    """Return the system's words for what went wrong."""
    return (error.strerror or type(error).__name__).lower()
