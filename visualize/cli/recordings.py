"""Recordings that a command reads."""

from __future__ import annotations

import os
import stat
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from fastapi_tasks import Timeline
from fastapi_tasks.errors import RecordingError
from fastapi_tasks.recording import lines_of, read_line

from .errors import CommandError
from .files import reason
from .progress import step

STANDARD_INPUT = Path("-")

MOST = 200_000
"""Requests that are read, the last ones: some 600 MB of them."""
MOST_BYTES = 1 << 29
"""Of their lines."""


def read(path: Path) -> list[Timeline]:
    """Read a recording, `-` from standard input; in order of the requests' start.

    Of a long one the last requests are read, and of one that was cut off all that are whole; a line
    on standard error says so. Raises CommandError for what cannot be read, and for a recording that
    holds no request.
    """
    name = "standard input" if path == STANDARD_INPUT else str(path)
    try:
        with step(f"Reading {name}") as say:
            if path == STANDARD_INPUT:
                timelines, notes = _read(sys.stdin.buffer, say)
            else:
                with path.open("rb") as file:
                    timelines, notes = _read(file, say)
    except RecordingError as error:
        raise CommandError(f"{name}: {error}") from None
    except OSError as error:
        raise CommandError(
            f"cannot read {name} ({reason(error)}): give a file that the record command wrote"
        ) from None
    if not timelines:
        raise CommandError(f"{name} holds no request: record some, then show them")
    for note in notes:
        print(f"visualize: {name}: {note}", file=sys.stderr)
    return sorted(timelines, key=lambda one: (one.process, one.request_start))


def _read(file: IO[bytes], say: Callable[[str], None]) -> tuple[list[Timeline], list[str]]:
    """Return the timelines, and what is to be said of them."""
    lines, left_out = _last(_begun(_counted(file, say)))
    total = left_out + len(lines)
    notes: list[str] = []
    timelines: list[Timeline] = []
    while lines:
        try:
            timelines.append(read_line(*lines.popleft()))
        except RecordingError as error:
            # A recording that is being written, or whose writer was killed.
            if not error.cut or not timelines:
                raise
            notes.append(f"line {error.line} is cut off; all before it is read")
        if len(timelines) % _OFTEN == 0:
            say(f"{100 * len(timelines) // (len(timelines) + len(lines))} % of its requests")
    if left_out:
        notes.append(
            f"it holds {total:,} requests, and the last {total - left_out:,} of them are read"
        )
    return timelines, notes


def _begun(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Refuse what does not begin as a recording, before all of it is read: it may have no end."""
    for first in lines:
        read_line(*first)
        yield first
        yield from lines


def _last(lines: Iterator[tuple[int, bytes]]) -> tuple[deque[tuple[int, bytes]], int]:
    """Keep the last lines, in bounded memory; return how many are not among them."""
    kept: deque[tuple[int, bytes]] = deque()
    size = left_out = 0
    for number, line in lines:
        kept.append((number, line))
        size += len(line)
        while len(kept) > MOST or (size > MOST_BYTES and len(kept) > 1):
            size -= len(kept.popleft()[1])
            left_out += 1
    return kept, left_out


_OFTEN = 4096


def _counted(file: IO[bytes], say: Callable[[str], None]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines, and say how far it is."""
    found = os.fstat(file.fileno())
    size = found.st_size if stat.S_ISREG(found.st_mode) else 0
    done = 0
    for number, line in lines_of(file):
        yield number, line
        done += len(line)
        if number % _OFTEN == 0:
            part = f", {min(100 * done // size, 100)} %" if size else ""
            say(f"{number:,} lines{part}")
