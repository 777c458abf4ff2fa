"""Files that a command writes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import CommandError
from .signals import uninterrupted


def folder(path: Path) -> Path:
    """Make a folder ready to write into. Raises CommandError before any work is done in vain."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise CommandError(
            f"cannot write into {path} ({_reason(error)}): give another folder"
        ) from None


def write(path: Path, content: bytes) -> Path:
    """Write a file whole: the old one stays as it is until the new one is complete."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with uninterrupted():
        try:
            unfinished.write_bytes(content)
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise CommandError(
                f"cannot write {path} ({_reason(error)}): give another place"
            ) from None
    return path


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
