"""`playground`: a page to try the modes on."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import Any

from .browser import open_page
from .errors import CommandError
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
    """Serve the page until a signal comes."""
    from visualize.lab.errors import LabError
    from visualize.lab.sockets import address, bind
    from visualize.playground.page import make_guard, make_page

    from .foreground import serve_until_signal

    guard = make_guard()

    def started() -> None:
        url = f"{address(taken)}{guard.address}"
        # The address ends its line: a sign behind it would be copied with the token.
        print(f"Ctrl-C ends the playground, which is on {url}", flush=True)
        if not options.no_open:
            open_page(url)

    try:
        with closing(bind(options.port)) as taken:
            code = serve_until_signal(make_page(guard), taken, started, quiet=True)
    except LabError as error:
        raise CommandError(str(error)) from None
    return code
