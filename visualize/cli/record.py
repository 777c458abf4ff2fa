"""`record`: serve an app with a live page, and write down every request."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any

from .called import called
from .errors import CommandError
from .findings import say_why
from .formats import add_force_to, parser_of

if TYPE_CHECKING:
    from fastapi_tasks import Timeline

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
    command.add_argument(
        "--workers", type=int, default=1, metavar="N",
        help="serve with N processes, recorded into the one file (default: 1)",
    )  # fmt: skip
    # What a worker is given: where to count, and its number.
    command.set_defaults(run=run, shared=None, worker=0)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes, then say what was written."""
    from visualize.lab.errors import LabError
    from visualize.lab.sockets import bind

    from .workers import check

    check(options.workers)
    try:
        taken = bind(options.port, options.host)
    except LabError as error:
        raise CommandError(str(error)) from None
    with closing(taken):
        if options.workers > 1:
            count, late, code = _serve_by_workers(options, taken), 0, 0
        else:
            journal, code = _serve(options, taken, lambda page: _say_where(options, taken, page))
            count, late = journal.count, journal.late
    _report(count, late, options.output)
    return code


def _serve(
    options: argparse.Namespace, taken: socket, started: Callable[[str], object]
) -> tuple[Journal, int]:
    from visualize.lab.errors import LabError
    from visualize.lab.recorded import recorded
    from visualize.live import Beside

    from .apps import load_app
    from .counters import counted
    from .foreground import log_as_uvicorn, serve_until_signal
    from .journal import Journal

    log_as_uvicorn()
    here = Path.cwd()
    app, recorder = recorded(load_app(options.app), watch=options.watch)
    if Path.cwd() != here:
        # Some apps go where their own files are.
        options.output = here / options.output
    beside = Beside(app, recorder, PAGE, options.app)
    try:
        with (
            closing(Journal(recorder, options.output, force=options.force)) as journal,
            counted(recorder, options.shared, options.worker),
        ):
            code = serve_until_signal(beside, taken, lambda: started(beside.page.address))
    except LabError as error:
        raise CommandError(str(error)) from None
    return journal, code


def _serve_by_workers(options: argparse.Namespace, taken: socket) -> int:
    from fastapi_tasks import to_json
    from fastapi_tasks.recording import is_recording

    from .counters import Shared, counted_together
    from .files import guard, write
    from .workers import serve_by_workers

    def look() -> None:
        guard(options.output, "recording", is_recording, force=options.force)

    def finish(timelines: list[Timeline]) -> None:
        # Something may have come there meanwhile.
        look()
        write(options.output, to_json(timelines).encode())

    look()
    options.shared = Shared(options.workers)
    with counted_together(options.shared):
        return serve_by_workers(
            _serve, options, taken, lambda page: _say_where(options, taken, page), finish
        )


def _say_where(options: argparse.Namespace, taken: socket, page: str) -> None:
    from visualize.lab.sockets import address

    url = address(taken)
    print(f"{options.app} runs on {url}, its live timeline on {url}{page}")
    if options.workers > 1:
        print(f"{options.workers} workers serve it; the live timeline shows all of them.")
    print(f"Recording into {options.output}; Ctrl-C ends it.", flush=True)


def _report(count: int, late: int, output: Path) -> None:
    if late:
        print(f"{late} tasks came after their request was written, and are not in it.")
    if not count:
        print("No request came, so nothing was written.")
        return
    say_why(output, count)
    many = f"{count} requests are" if count > 1 else "1 request is"
    print(f"{many} in {output}; {called()} show {output} shows them.")
