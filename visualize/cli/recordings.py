"""Recordings that a command reads."""

from __future__ import annotations

import sys
from pathlib import Path

from fastapi_tasks import Timeline, from_json, load
from fastapi_tasks.errors import RecordingError

from .errors import CommandError
from .files import reason
from .progress import step

STANDARD_INPUT = Path("-")


def read(path: Path) -> list[Timeline]:
    """Read a recording, `-` from standard input; in order of the requests' start.

    Raises CommandError for what cannot be read, and for a recording that holds no request.
    """
    name = "standard input" if path == STANDARD_INPUT else str(path)
    try:
        with step(f"Reading {name}"):
            timelines = _piped() if path == STANDARD_INPUT else load(path)
    except RecordingError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        raise CommandError(
            f"cannot read {name} ({reason(error)}): give a file that the record command wrote"
        ) from None
    if not timelines:
        raise CommandError(f"{name} holds no request: record some, then show them")
    return sorted(timelines, key=lambda one: (one.process, one.request_start))


def _piped() -> list[Timeline]:
    try:
        return from_json(sys.stdin.buffer.read().decode())
    except UnicodeDecodeError as error:
        raise RecordingError(
            f"standard input is not text ({error.reason} at byte {error.start}): "
            "pipe a recording into it"
        ) from None
    except RecordingError as error:
        raise RecordingError(f"standard input: {error}") from None
