"""`playground`: a page to try the modes on."""

from __future__ import annotations

import argparse
from typing import Any

from .formats import parser_of


def add_to(commands: Any) -> None:
    """Add this command to a parser."""
    command = parser_of(
        commands, "playground", "serve a page to try the modes on", "--no-open",
        "Every change sends a real request and draws its timeline. Ctrl-C ends it.",
    )  # fmt: skip
    command.add_argument(
        "--port", type=int, default=0, help="port of the page (default: a free one)"
    )
    command.add_argument("--no-open", action="store_true", help="do not open a browser")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    from visualize.playground import page

    return page.run(options.port, show=not options.no_open)
