"""Tables for the terminal: the new number, and the committed one beside it."""

from __future__ import annotations

from tests.benchmarks.results import Row, Subject


def table(name: str, new: Subject, old: Subject | None) -> str:
    """Return one subject as text; committed numbers are in brackets."""
    columns = [c for c in new.columns if any(c in row for row in new.rows.values())]
    lines = [["", *columns]]
    for case, row in new.rows.items():
        before = old.rows.get(case, {}) if old else {}
        lines.append([case, *(_cell(column, row, before) for column in columns)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns) + 1)]
    text = [f"\n{name}: {new.unit}"]
    for line in lines:
        cells = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        text.append(f"  {line[0].ljust(widths[0])}  {'  '.join(cells)}".rstrip())
    return "\n".join([*text, *(f"  ! {note}" for note in new.notes)])


def _cell(column: str, row: Row, before: Row) -> str:
    if column not in row:
        return "–"
    committed = f" ({number(before[column])})" if column in before else ""
    return number(row[column]) + committed


def number(value: float) -> str:
    """Write a number with three digits or more: 1.08, 16.3, 204."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
