"""Tables for the terminal: the new number, and the committed one beside it."""

from __future__ import annotations

from tests.benchmarks.numbers import written
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
    return "\n".join([*text, *(f"  {note}" for note in new.notes)])


def _cell(column: str, row: Row, before: Row) -> str:
    if column not in row:
        return "–"
    committed = f" ({written(before[column])})" if column in before else ""
    return written(row[column]) + committed
