"""`record`: serve an app with a live page, and write down every request."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .formats import parser_of

PAGE = "/_timeline"


def add_to(commands: Any) -> None:
    """Add this command to a parser."""
    command = parser_of(
        commands, "record", "serve a FastAPI app and record its requests",
        "main:app -o run.jsonl",
        "Stop it with Ctrl-C; a live page shows the requests meanwhile.",
    )  # fmt: skip
    command.add_argument("app", metavar="MODULE:APP", help="the FastAPI app, such as main:app")
    command.add_argument(
        "-o", "--output", type=Path, default=Path("run.jsonl"), metavar="FILE",
        help="the recording (default: run.jsonl)",
    )  # fmt: skip
    command.add_argument("--host", default="127.0.0.1", help="address (default: 127.0.0.1)")
    command.add_argument(
        "--port", type=int, default=8000, help="port; 0 takes a free one (default: 8000)"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes, then say what was written."""
    from . import session

    return session.record(options.app, options.output, options.host, options.port)
