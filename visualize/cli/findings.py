"""What a recording that was just made found, at the end of the command that made it."""

from __future__ import annotations

from pathlib import Path

from fastapi_tasks import load
from fastapi_tasks.errors import RecordingError
from visualize.answers.findings import explain
from visualize.terminal.answers import why
from visualize.terminal.pens import height, pen_for

from .progress import step
from .signals import quit_on_interrupt

MOST = 32_000_000
"""Bytes of a recording; to read a longer one takes more seconds than anybody waits for."""


def say_why(recording: Path) -> None:
    """Print the findings of a file, those that cost most if there are many.

    Nothing is printed of what is no file, is very long or cannot be read: it was written well.
    """
    # Until now, Ctrl-C was how to get here.
    quit_on_interrupt()
    try:
        if not recording.is_file() or recording.stat().st_size > MOST:
            return
        with step(f"Reading {recording}"):
            findings = explain(load(recording))
    except (OSError, RecordingError):
        return
    part = why(findings, pen_for(), height() // 2)
    more = f" ({part.left} more: show --why)" if part.left else ""
    print("", *part.lines, more, sep="\n")
