"""What a recording that was just made found, at the end of the command that made it."""

from __future__ import annotations

from pathlib import Path

from fastapi_tasks import Timeline
from fastapi_tasks.errors import RecordingError
from fastapi_tasks.recording import lines_of, read_line
from visualize.answers.findings import explain
from visualize.answers.naming import requests_of
from visualize.terminal.answers import why
from visualize.terminal.pens import height, pen_for

from .called import called
from .progress import step
from .signals import quit_on_interrupt

MOST = 32_000_000
"""Bytes of a recording that are read, the last ones; more take more seconds than anybody waits."""


def say_why(recording: Path, requests: int) -> None:
    """Print the findings of a file of so many requests, those that cost most if there are many.

    Of a very long one the last requests are looked at, and a line says so. Nothing is printed of
    what is no file, or cannot be read: it was written well.
    """
    # Until now, Ctrl-C was how to get here.
    quit_on_interrupt()
    try:
        if not recording.is_file():
            return
        with step(f"Reading {recording}"):
            timelines = _last(recording)
            findings = explain(timelines)
    except (OSError, RecordingError):
        return
    part = why(findings, pen_for(), height() // 2)
    more = f" ({part.left} more: show --why)" if part.left else ""
    print()
    if (looked_at := len(requests_of(timelines))) < requests:
        print(f"In the last {looked_at:,} of {requests:,} requests "
              f"({called()} show {recording} looks at all):")  # fmt: skip
    print(*part.lines, more, sep="\n")


def _last(recording: Path) -> list[Timeline]:
    """Read the last requests of a recording, in bounded memory."""
    with recording.open("rb") as file:
        if (before := recording.stat().st_size - MOST) > 0:
            file.seek(before - 1)
            # The rest of a line, of which nothing but its end may be there.
            file.readline()
        return [read_line(number, line) for number, line in lines_of(file)]
