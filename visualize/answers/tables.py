"""Tables of words and numbers, for a terminal of any width and for Markdown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from fastapi_tasks import harmless
from visualize.words import duration

ENOUGH = 24
"""Columns of a terminal that suffice for most names; other columns give way for no more."""

NOTHING = "–"

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. The one with the highest `gives_way` is left out first; with 0, it never is."""

    title: str
    gives_way: int = 0
    words: bool = False


def text_table(columns: Sequence[Column], rows: Sequence[Row], width: int) -> str:
    """Write a table at most `width` columns wide; its first column is cut if it must be."""
    head = [column.title for column in columns]
    cells = [head, *rows]
    sizes = [max(_width(row[at]) for row in cells) for at in range(len(columns))]
    kept = _kept(columns, sizes, width)
    others = sum(sizes[at] + 2 for at in kept[1:])
    sizes[0] = max(min(sizes[0], width - others), 1)
    return "\n".join(_line(columns, row, kept, sizes) for row in cells)


def _kept(columns: Sequence[Column], sizes: Sequence[int], width: int) -> list[int]:
    """Choose the columns that there is room for, beside enough of the first one."""
    kept = list(range(len(columns)))
    for at in sorted(kept, key=lambda at: -columns[at].gives_way):
        needed = min(sizes[0], ENOUGH) + sum(sizes[at] + 2 for at in kept[1:])
        if needed <= width or not columns[at].gives_way:
            break
        kept.remove(at)
    return kept


def _line(columns: Sequence[Column], row: Row, kept: list[int], sizes: Sequence[int]) -> str:
    cells = []
    for at in kept:
        cell = _cut(row[at], sizes[at])
        space = " " * (sizes[at] - _width(cell))
        cells.append(cell + space if columns[at].words else space + cell)
    return "  ".join(cells).rstrip()


def markdown_table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """Write a table for a pull request. Cells are Markdown already: see `code`."""
    rule = [":--" if column.words else "--:" for column in columns]
    lines = [[column.title for column in columns], rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(name: str) -> str:
    """Return a name as code for Markdown, where no character of it has a meaning."""
    name = harmless(name).replace("|", "\\|")
    fence = "`" * (1 + max(_ticks(name), default=0))
    space = " " if name.startswith("`") or name.endswith("`") or not name.strip() else ""
    return f"{fence}{space}{name}{space}{fence}"


def time_cell(nanoseconds: int | None) -> str:
    """Write a duration, 0 without a unit, and a dash for none."""
    if nanoseconds is None:
        return NOTHING
    return duration(nanoseconds) if nanoseconds else "0"


def _ticks(name: str) -> Iterator[int]:
    """How many backticks stand together, in each place."""
    run = 0
    for char in name:
        run = run + 1 if char == "`" else 0
        yield run


def _cut(words: str, width: int) -> str:
    if _width(words) <= width:
        return words
    ends = accumulate(map(_columns, words))
    return words[: sum(1 for end in ends if end < width)] + "…"


def _width(words: str) -> int:
    return len(words) if words.isascii() else sum(map(_columns, words))


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
