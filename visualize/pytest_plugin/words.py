"""What the report of a failed test says of its requests."""

from __future__ import annotations

import shutil
from textwrap import fill
from typing import TYPE_CHECKING

from visualize.answers.findings import explain
from visualize.terminal import text
from visualize.words import count

if TYPE_CHECKING:
    from .apps import Seen

SHOWN = 3
"""Requests that are drawn, the last ones, and findings that are said."""


def words(seen: Seen) -> str:
    """Draw the last requests, and say what was late in all of them and why."""
    timelines = seen.copies()
    # As wide as pytest's own lines; a worker of pytest-xdist has no terminal to ask.
    width = shutil.get_terminal_size((80, 24)).columns
    said = text(timelines[-SHOWN:], width=width, color=False)
    more = seen.count - SHOWN
    if more > 0:
        said = f"The last {SHOWN} of {count(seen.count, 'request')}:\n\n{said}"
    findings = [fill(str(finding), width) for finding in explain(timelines)[:SHOWN]]
    return said + "".join(f"\n{finding}\n" for finding in findings)
