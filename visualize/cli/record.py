"""`record`: serve an app with a live page, and write down every request."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .called import called
from .errors import CommandError
from .formats import add_force_to, parser_of

if TYPE_CHECKING:
    from .journal import Journal

PAGE = "/_timeline"


def add_to(commands: Any) -> None:
    """Add this command to a parser."""
    command = parser_of(
        commands, "record", "serve an app and record its requests",
        "main:app -o run.jsonl",
        "Any ASGI app will do, as it is: tasks of its own, dependencies, statements and calls are "
        "recorded too. Stop it with Ctrl-C; a live page shows the requests meanwhile.",
    )  # fmt: skip
    command.add_argument(
        "app", metavar="MODULE:APP", help="the app, or a function that makes it, such as main:app"
    )
    command.add_argument(
        "-o", "--output", type=Path, default=Path("run.jsonl"), metavar="FILE",
        help="the recording (default: run.jsonl)",
    )  # fmt: skip
    add_force_to(command)
    command.add_argument("--host", default="127.0.0.1", help="address (default: 127.0.0.1)")
    command.add_argument(
        "--port", type=int, default=8000, help="port; 0 takes a free one (default: 8000)"
    )
    command.add_argument(
        "--no-watch", dest="watch", action="store_false",
        help="record requests and the tasks of Tasks alone",
    )  # fmt: skip
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes, then say what was written."""
    from visualize.lab.errors import LabError
    from visualize.lab.recorded import recorded
    from visualize.lab.sockets import address, bind
    from visualize.live import Beside

    from .apps import load_app
    from .foreground import log_as_uvicorn, serve_until_signal
    from .journal import Journal

    log_as_uvicorn()
    app, recorder = recorded(load_app(options.app), watch=options.watch)
    beside = Beside(app, recorder, PAGE, options.app)

    def started() -> None:
        url = address(taken)
        print(f"{options.app} runs on {url}, its live timeline on {url}{beside.page.address}")
        print(f"Recording into {options.output}; Ctrl-C ends it.", flush=True)

    try:
        with (
            closing(bind(options.port, options.host)) as taken,
            closing(Journal(recorder, options.output, force=options.force)) as journal,
        ):
            serve_until_signal(beside, taken, started)
    except LabError as error:
        raise CommandError(str(error)) from None
    _report(journal, options.output)
    return 0


def _report(journal: Journal, output: Path) -> None:
    if journal.late:
        print(f"{journal.late} tasks came after their request was written, and are not in it.")
    if not journal.count:
        print("No request came, so nothing was written.")
        return
    many = f"{journal.count} requests are" if journal.count > 1 else "1 request is"
    print(f"{many} in {output}; {called()} show {output} shows them.")
