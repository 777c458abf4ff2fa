"""Findings and numbers as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from visualize.answers.findings import NONE, Finding
from visualize.answers.summary import Row, Summary
from visualize.words import duration

from .cells import Pen, columns, fit, wrap

COST = 10
"""Columns for a cost."""
ROUTES, TASKS = 3, 2
"""Rows that are written wherever there are so many."""


class Part(NamedTuple):
    """Lines of a terminal, and how many findings or rows there was no room for."""

    lines: list[str]
    left: int = 0


def why(
    findings: Sequence[Finding], pen: Pen, room: int | None = None, *, filtered: bool = False
) -> Part:
    """Write what each finding cost, what it is and what to try.

    Of more than fit into `room` lines those that cost most are written, one at least. `filtered`:
    they are of a recording of which only some is shown.
    """
    if not findings:
        return Part([pen.own(NONE)])
    whole = " (in the whole recording)" if filtered else ""
    lines = [pen.styled(f"{'cost':>{COST}}  what was late or failed, and why{whole}", "dim")]
    for number, finding in enumerate(findings):
        paragraph = list(_paragraph(finding, pen))
        if room is not None and number and len(lines) + len(paragraph) > room:
            return Part(lines, len(findings) - number)
        lines += paragraph
    return Part(lines)


def _paragraph(finding: Finding, pen: Pen) -> Iterator[str]:
    cost = duration(finding.cost) if finding.cost else "–"
    left = pen.styled(f"{cost:>{COST}}", "bold") + "  "
    for line in _wrapped(finding.fact, pen, ""):
        yield left + line
        left = " " * (COST + 2)
    for line in _wrapped(f"→ {finding.advice}", pen, "dim"):
        yield left + line


def _wrapped(words: str, pen: Pen, style: str) -> Iterator[str]:
    words = pen.literal(pen.own(words))
    return (pen.styled(line, style) for line in wrap(words, pen.width - COST - 2))


def numbers(summary: Summary, pen: Pen, room: int | None = None) -> Part:
    """Write the rows of a summary; of more than fit into `room` lines those that took most time.

    Then rows of spans are left out.
    """
    shown = summary if room is None else _shortened(summary, room)
    lines: list[str] = []
    for line in _legible(shown, pen).to_text(pen.width).split("\n"):
        head = not lines or not lines[-1]
        lines.append(pen.styled(line, "dim" if head else ""))
    return Part(lines, len(_rows(summary)) - len(_rows(shown)))


def _legible(summary: Summary, pen: Pen) -> Summary:
    """Name the rows as the terminal can show it, before it is known how wide their names are."""
    kinds = (summary.routes, summary.tasks, summary.spans)
    named = ((replace(row, name=pen.literal(row.name)) for row in rows) for rows in kinds)
    return Summary(*map(tuple, named))


def _shortened(summary: Summary, room: int) -> Summary:
    if len(summary.to_text().split("\n")) <= room:
        return summary
    # Two heads, and a line between; a task takes two.
    free = room - 3
    routes = max(free // 2, free - 2 * len(summary.tasks), ROUTES)
    kept = summary.routes[:routes]
    tasks = max((free - len(kept)) // 2, TASKS)
    return Summary(kept, summary.tasks[:tasks], ())


def _rows(summary: Summary) -> list[Row]:
    return [*summary.routes, *summary.tasks, *summary.spans]


def paragraph(words: str, pen: Pen, style: str = "") -> list[str]:
    """Write words of our own, with names in them, on as many lines as they need."""
    words = pen.literal(pen.own(words))
    return [pen.styled(line, style) for line in wrap(words, pen.width)]


def listing(head: str, parts: Sequence[str], pen: Pen, style: str = "") -> list[str]:
    """Write a head and parts behind it, each on one line."""
    lines, between = [pen.own(head)], " "
    room = pen.width - columns(head) - 1
    for part in map(pen.literal, map(pen.own, parts)):
        part = pen.own(fit(part, min(columns(part), room)))
        if columns(lines[-1] + between + part) > pen.width:
            lines.append(" " * columns(head) + " " + part)
        else:
            lines[-1] += between + part
        between = pen.own(" · ")
    return [pen.styled(line, style) for line in lines]
