"""What two recordings differ in, as a table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from fastapi_tasks import harmless
from visualize.answers.tables import NOTHING, Column, code, markdown_table, text_table, time_cell
from visualize.words import duration

from .changes import Change, Shift
from .noise import LEAST, MOST, SHARE

COLUMNS = [
    Column("", words=True),
    Column("n"),
    Column("", words=True),
    Column("before"),
    Column("after"),
    Column("change", gives_way=1),
    Column("", words=True),
]

NOTE = (
    "noise: it may well be chance (by a rank test, at 1 in 100 for all rows together), or it is"
    f" small: less than {SHARE:.0%} of what it was, less than {duration(LEAST)}, or less than twice"
    f" what most other rows moved by ({duration(MOST)} at most)"
)
"""What is called noise, in words."""


def to_text(changes: Sequence[Change], width: int) -> str:
    """Write a table, at most `width` columns wide, and below it what is called noise."""
    if not changes:
        return "Neither recording has a request."
    lines = []
    for change in changes:
        cells = list(_lines(change))
        cells += [[""] * len(cells[0])] * (len(cells) == 1 and bool(change.mode))
        names = [harmless(change.name), f"  {change.mode}", *[""] * len(cells)]
        lines += [[name, *line] for name, line in zip(names, cells, strict=False)]
    return text_table(COLUMNS, lines, width) + "\n\n" + textwrap.fill(NOTE, width)


def to_markdown(changes: Sequence[Change]) -> str:
    """Write the same for a pull request."""
    if not changes:
        return "Neither recording has a request."
    lines = []
    for change in changes:
        name = f"{code(change.name)} {change.mode}".rstrip()
        for line in _lines(change):
            lines.append([name, *line])
            name = ""
    return markdown_table(COLUMNS, lines) + f"\n\n{NOTE}"


def _lines(change: Change) -> Iterator[list[str]]:
    """The cells of a row's lines but for the first column: what changed, or else its p95."""
    counts = [f"{row.n:,}" if row else NOTHING for row in (change.before, change.after)]
    n = " → ".join(counts)
    if change.before is None or change.after is None:
        yield [n, "", "", "", "", "new" if change.before is None else "gone"]
        return
    shown = [s for s in change.shifts if not s.noise] or [
        s for s in change.shifts if s.percent == 95
    ]
    for shift in shown or change.shifts[:1]:
        yield [n, _what(shift), *_numbers(shift), shift.verdict]
        n = ""


def _what(shift: Shift) -> str:
    if shift.percent is None:
        return shift.measure
    return f"{shift.measure} p{shift.percent}".removeprefix("response ")


def _numbers(shift: Shift) -> list[str]:
    write = str if shift.measure == "errors" else time_cell
    share = "" if shift.share is None else f"{shift.share:+.0%}".replace("-", "−")
    return [write(shift.before), write(shift.after), share]
