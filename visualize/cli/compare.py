"""`compare`: two recordings, one beside the other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from visualize.answers.difference import Difference, FailIf, FailIfError, difference
from visualize.answers.tables import code
from visualize.layout import Align
from visualize.painters import PAINTERS
from visualize.terminal.answers import paragraph
from visualize.terminal.cells import Pen
from visualize.terminal.pens import pen_for

from . import formats
from .errors import FAILURE, USAGE, CommandError
from .progress import step
from .recordings import read

FORMS = tuple(painter.form for painter in PAINTERS if painter.compares)
ALIGN: dict[str, Align] = {"request-start": "request_start", "response-sent": "response_sent"}


def add_to(commands: Any) -> None:
    """Add this command to a parser."""
    command = formats.parser_of(
        commands, "compare", "compare two recordings",
        "before.jsonl after.jsonl --fail-if 'p95 > +10%'",
        "What changed, as a table, and what is only noise; or drawn on one time axis.",
    )  # fmt: skip
    command.add_argument("first", type=Path, metavar="BEFORE", help="a recording")
    command.add_argument("second", type=Path, metavar="AFTER", help="another one")
    command.add_argument(
        "--fail-if", action="append", default=[], metavar="CONDITION",
        help="end with exit code 1 if a row is like this: 'p95 > +10%%', 'wait.p95 > +20ms', "
        "'run.p50 > 1s', 'errors > +0', 'held > +100ms'; may be given several times",
    )  # fmt: skip
    command.add_argument(
        "--markdown", action="store_true", help="write the table in Markdown, for a pull request"
    )
    command.add_argument(
        "--align", choices=sorted(ALIGN), default="request-start",
        help="the moment that is zero on the time axis (default: request-start)",
    )  # fmt: skip
    formats.add_to(command, FORMS)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read both, then show or write; return 1 if they differ as they must not."""
    sources: list[Path] = [options.first, options.second]
    conditions = [_condition(text) for text in options.fail_if]
    files = formats.chosen(options, FORMS, Path("compared"), sources)
    recordings = [read(source) for source in sources]
    panels = dict(zip(_titles(sources), recordings, strict=True))
    formats.write_all(files, lambda painter: painter.paint_beside(panels, ALIGN[options.align]))
    if files and not conditions and not options.markdown:
        return 0
    with step("Comparing"):
        found = difference(*recordings)
    if options.markdown:
        print(_markdown(found, sources))
    elif not files:
        print("\n".join(_lines(found, sources, pen_for())))
    return _judged(found, conditions)


def _condition(text: str) -> FailIf:
    try:
        return FailIf.parse(text)
    except FailIfError as error:
        raise CommandError(f"--fail-if: {error}", USAGE) from None


def _judged(found: Difference, conditions: Sequence[FailIf]) -> int:
    """Say in one line each what is broken."""
    broken = [why for condition in conditions if (why := condition.broken(found)) is not None]
    sys.stdout.flush()
    for why in broken:
        print(f"visualize: {why}", file=sys.stderr)
    return FAILURE if broken else 0


def _lines(found: Difference, sources: Sequence[Path], pen: Pen) -> list[str]:
    lines = [*paragraph(f"before  {sources[0]}", pen), *paragraph(f"after   {sources[1]}", pen), ""]
    named = (replace(change, name=pen.literal(change.name)) for change in found.changes)
    table = Difference(tuple(named)).to_text(pen.width)
    return [*lines, *map(pen.own, table.split("\n"))]


def _markdown(found: Difference, sources: Sequence[Path]) -> str:
    before, after = (code(str(source)) for source in sources)
    return f"From {before} to {after}:\n\n{found.to_markdown()}"


def _titles(sources: list[Path]) -> list[str]:
    """Name the recordings apart, also two of one name, or one file given twice."""
    names = [source.name for source in sources]
    if names[0] == names[1]:
        names = [f"{label}: {source}" for label, source in zip("AB", sources, strict=True)]
    return names
