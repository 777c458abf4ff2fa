"""How wide and with what a terminal is written on, where nobody says."""

from __future__ import annotations

import os
import shutil
import sys

from .cells import BLOCKS, EIGHTHS, PLAIN, Pen

LEAST = 40
"""Columns; a narrower picture would not be one."""

SIZE = (100, 50)
"""Columns and lines where there is no terminal to ask."""


def pen_for(
    *, width: int | None = None, color: bool | None = None, ascii: bool | None = None
) -> Pen:
    """Return what to write with.

    `width` is in columns, 40 at least, by default the terminal's. `color` is by default used where
    standard output is a terminal and NO_COLOR is not set; `ascii` characters alone, where its
    encoding has no others.
    """
    return Pen(
        max(shutil.get_terminal_size(SIZE).columns if width is None else width, LEAST),
        wants_color() if color is None else color,
        PLAIN if (_is_plain() if ascii is None else ascii) else BLOCKS,
    )


def height() -> int:
    """Return how many lines are seen at once."""
    return shutil.get_terminal_size(SIZE).lines


def wants_color() -> bool:
    """Tell whether standard output is a terminal, and nobody asked for no colours."""
    return sys.stdout.isatty() and not without_color()


def without_color() -> bool:
    """Tell whether the environment asks for no colours, whatever the output is."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def _is_plain() -> bool:
    ours = [*BLOCKS.bars.values(), *BLOCKS.lines.values(), *BLOCKS.shapes.values()]
    ours += BLOCKS.threads.values()
    ours += [*BLOCKS.outcomes.values(), BLOCKS.ends, BLOCKS.going_on, EIGHTHS, "·−–µ…→×"]
    try:
        "".join(ours).encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False
