"""`show`: a recording, as text or in another form."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi_tasks import Timeline
from visualize import page, perfetto
from visualize.terminal import text

from . import formats
from .recordings import STANDARD_INPUT, read

FORMS = ("html", "png", "svg", "perfetto")


def add_to(commands: Any) -> None:
    """Add this command to a parser."""
    command = formats.parser_of(
        commands, "show", "show a recording", "run.jsonl --html",
        "As text, or as files of other forms.",
    )  # fmt: skip
    command.add_argument(
        "recording", type=Path, metavar="FILE", help="the recording; - reads standard input"
    )
    formats.add_to(command, FORMS)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read, then show or write."""
    source: Path = options.recording
    beside = Path("timeline") if source == STANDARD_INPUT else source
    files = formats.chosen(options, FORMS, beside, [source])
    timelines = read(source)
    if not files:
        print(text(timelines), end="")
    formats.write_all(files, Forms(timelines))
    return 0


@dataclass(frozen=True)
class Forms:
    """Makes each form of a recording."""

    timelines: list[Timeline]

    def html(self) -> bytes:
        """The interactive page."""
        return page.to_html(self.timelines).encode()

    def png(self) -> bytes:
        """The picture."""
        from visualize import figure

        return figure.to_png(figure.plot(self.timelines))

    def svg(self) -> bytes:
        """The picture to scale."""
        from visualize import figure

        return figure.to_svg(figure.plot(self.timelines))

    def perfetto(self) -> bytes:
        """The trace."""
        return perfetto.to_perfetto(self.timelines).encode()
