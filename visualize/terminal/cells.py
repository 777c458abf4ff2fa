"""Characters in columns: how wide words are, what bars are made of, and lines drawn with them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import NamedTuple

from fastapi_tasks import Mode, Outcome, harmless
from visualize.theme import GLYPHS

ANSI = {
    "immediate": "38;5;208",
    "after_route": "38;5;33",
    "after_response": "38;5;36",
    "background": "38;5;133",
    "spawned": "38;5;136",
    "span": "38;5;67",
    "error": "38;5;197",
    "bold": "1",
    "dim": "2",
}
EIGHTHS = " ▏▎▍▌▋▊▉█"
SIMPLER = str.maketrans({"·": "-", "−": "-", "–": "-", "µ": "u", "…": "~", "×": "x", "→": ">"})


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters for bars, lines and signs.

    `threads` are the shapes of tasks in worker threads; `ends`, the ends of the client's bar.
    """

    bars: dict[str, str]
    lines: dict[str, str]
    shapes: dict[Mode, str]
    threads: dict[Mode, str]
    outcomes: dict[Outcome | None, str]
    ends: str
    going_on: str


BLOCKS = Glyphs(
    bars={
        "held": "░", "wait": "▒", "run": "█", "span": "▂", "busy": "▓",
        "before": "╌", "endpoint": "━", "handling": "━", "sending": "╍", "after": "╌",
        "waiting": "─", "receiving": "╌",
    },
    lines={"endpoint_end": "┊", "response_sent": "│"},
    shapes=GLYPHS,
    threads={
        "immediate": "○", "after_route": "◇", "after_response": "△", "background": "▽",
        "spawned": "☆",
    },
    outcomes={
        "ok": "✓", "error": "✗", "cancelled": "■", "discarded": "∅", "abandoned": "▷",
        "timeout": "◷", None: "▶",
    },
    ends="├┤",
    going_on="▶",
)  # fmt: skip
PLAIN = Glyphs(
    bars={
        "held": ".", "wait": "/", "run": "#", "span": "_", "busy": "%",
        "before": "-", "endpoint": "=", "handling": "=", "sending": "~", "after": "-",
        "waiting": "-", "receiving": "-",
    },
    lines={"endpoint_end": ":", "response_sent": "|"},
    shapes={
        "immediate": "o", "after_route": "+", "after_response": "^", "background": "b",
        "spawned": "s",
    },
    threads={
        "immediate": "O", "after_route": "*", "after_response": "A", "background": "B",
        "spawned": "S",
    },
    outcomes={
        "ok": "v", "error": "x", "cancelled": "c", "discarded": "d", "abandoned": "a",
        "timeout": "t", None: ">",
    },
    ends="[]",
    going_on=">",
)  # fmt: skip


class Cell(NamedTuple):
    """One column of a line, and the style of what stands in it."""

    char: str = " "
    style: str = ""


@dataclass(frozen=True, slots=True)
class Pen:
    """How wide and with what to write."""

    width: int
    color: bool
    glyphs: Glyphs

    @property
    def plain(self) -> bool:
        return self.glyphs is PLAIN

    def styled(self, words: str, style: str) -> str:
        """Colour words; in a plain terminal, nothing but ASCII is left of them."""
        words = self.own(words)
        shown = self.color and style and words.strip()
        return f"\033[{ANSI[style]}m{words}\033[0m" if shown else words

    def line(self, cells: Iterable[Cell]) -> str:
        """Join cells, with one escape sequence for each run of a style."""
        runs = groupby(cells, key=lambda cell: cell.style)
        return "".join(self.styled("".join(c.char for c in run), style) for style, run in runs)

    def own(self, words: str) -> str:
        """Our own words, simpler where the terminal is."""
        return words.translate(SIMPLER) if self.plain else words

    def literal(self, words: str) -> str:
        """What user code named, on one line, without any control over the terminal."""
        words = harmless(words)
        return words.encode("ascii", "backslashreplace").decode() if self.plain else words


def columns(words: str) -> int:
    """How many columns of a terminal printable words take."""
    return len(words) if words.isascii() else sum(map(_columns, words))


def fit(words: str, width: int, tail: str = "") -> str:
    """Cut or fill words to exactly `width` columns; the `tail` after them is never cut."""
    room = width - columns(tail)
    if columns(words) > room:
        words = _beginning(words, room - 1) + "…"
    return words + tail + " " * (room - columns(words))


def wrap(words: str, width: int) -> Iterator[str]:
    """Break words into lines of at most `width` columns, between words where that can be."""
    while columns(words) > width:
        line = _beginning(words, width)
        at = line.rfind(" ")
        line = line[:at] if at > 0 else line
        yield line
        words = words[len(line) :].lstrip(" ")
    yield words


def _beginning(words: str, width: int) -> str:
    """As many characters as fit into this many columns."""
    ends = accumulate(map(_columns, words))
    return words[: sum(1 for end in ends if end <= width)]


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
