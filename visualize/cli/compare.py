"""`compare`: two recordings, one beside the other."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi_tasks import Timeline
from visualize import page
from visualize.layout import Align

from . import formats
from .recordings import read
from .summary import summary

FORMS = ("html", "png", "svg")
ALIGN: dict[str, Align] = {"request-start": "request_start", "response-sent": "response_sent"}


def add_to(commands: Any) -> None:
    """Add this command to a parser."""
    command = formats.parser_of(
        commands, "compare", "compare two recordings", "before.jsonl after.jsonl --html",
        "As a table of medians, or drawn on one time axis.",
    )  # fmt: skip
    command.add_argument("first", type=Path, metavar="A", help="a recording")
    command.add_argument("second", type=Path, metavar="B", help="another one")
    command.add_argument(
        "--align", choices=sorted(ALIGN), default="request-start",
        help="the moment that is zero on the time axis (default: request-start)",
    )  # fmt: skip
    formats.add_to(command, FORMS)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Read both, then show or write."""
    sources: list[Path] = [options.first, options.second]
    files = formats.chosen(options, FORMS, Path("compared"), sources)
    recordings = [read(source) for source in sources]
    if not files:
        print(f"A  {sources[0]}\nB  {sources[1]}\n")
        print(summary(dict(zip("AB", recordings, strict=True))), end="")
    panels = dict(zip(_titles(sources), recordings, strict=True))
    formats.write_all(files, Forms(panels, ALIGN[options.align]))
    return 0


def _titles(sources: list[Path]) -> list[str]:
    """Name the recordings apart, also two of one name, or one file given twice."""
    names = [source.name for source in sources]
    if names[0] == names[1]:
        names = [f"{label}: {source}" for label, source in zip("AB", sources, strict=True)]
    return names


@dataclass(frozen=True)
class Forms:
    """Makes each form of a comparison."""

    panels: dict[str, list[Timeline]]
    align: Align

    def html(self) -> bytes:
        """The interactive page."""
        return page.to_html(self.panels, align=self.align).encode()

    def png(self) -> bytes:
        """The picture."""
        from visualize import figure

        return figure.to_png(figure.compare(self.panels, align=self.align))

    def svg(self) -> bytes:
        """The picture to scale."""
        from visualize import figure

        return figure.to_svg(figure.compare(self.panels, align=self.align))
