"""`demo`: a checkout on a real server, and its timeline."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi_tasks import Timeline, to_json
from fastapi_tasks.recording import is_recording
from visualize import page
from visualize.terminal import text

from .browser import open_page
from .errors import CommandError
from .files import folder, guard, write
from .formats import add_force_to, guard_form, parser_of
from .progress import step

if TYPE_CHECKING:
    from visualize.lab import Lab

CROWD = 3


def add_to(commands: Any) -> None:
    """Add this command to a parser."""
    command = parser_of(
        commands, "demo", "run a checkout app on a real server and show its timeline",
        "-o /tmp/checkout --no-open",
        "The timeline is shown in the terminal, and written as a picture, as an interactive page "
        "and as a recording.",
    )  # fmt: skip
    command.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR",
        help="folder for the files (default: the current one)",
    )  # fmt: skip
    add_force_to(command)
    command.add_argument(
        "--port", type=int, default=0, help="port of the server (default: a free one)"
    )
    command.add_argument("--no-open", action="store_true", help="do not open the page in a browser")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve, ask, show, write."""
    picture, recording, document = _files(folder(options.output), force=options.force)
    lab = asyncio.run(_visit(options.port))
    first = lab.timelines[0]
    print(f"\n{text(first)}")
    print("add_loyalty_points failed on purpose. Nothing else noticed, and the log has one line:")
    print(*(f"  {line}\n" for line in lab.log if first.title in line))
    _write(lab.timelines, picture, recording, document)
    if not options.no_open:
        open_page(document.resolve().as_uri())
    return 0


async def _visit(port: int) -> Lab:
    """Let customers check out, and return when everything that they set off has ended."""
    from visualize.checkout import app
    from visualize.lab import LabError, serve

    try:
        async with serve(app, port=port, quiet=True) as lab:
            print(f"The checkout app runs on {lab.url}", flush=True)
            await lab.warm_up("POST", "/checkout", params=_customer(0))
            lab.log.clear()
            print("One customer checks out, then three at the same time.", flush=True)
            await lab.post("/checkout", params=_customer(1))
            await lab.settled()
            crowd = (lab.post("/checkout", params=_customer(1 + n)) for n in range(1, CROWD + 1))
            await asyncio.gather(*crowd)
            await lab.settled()
    except LabError as error:
        raise CommandError(str(error)) from None
    return lab


def _customer(number: int) -> dict[str, str | int]:
    return {"cart_id": number, "email": f"customer{number}@example.org"}


def _files(place: Path, *, force: bool) -> tuple[Path, Path, Path]:
    """Name the picture, the recording and the page, unless a file of somebody else is there."""
    picture, recording, document = (place / f"timeline.{end}" for end in ("png", "json", "html"))
    guard_form("png", picture, force=force)
    guard(recording, "recording", is_recording, force=force)
    guard_form("html", document, force=force)
    return picture, recording, document


def _write(timelines: list[Timeline], picture: Path, recording: Path, document: Path) -> None:
    """Write all forms, and say where they are."""
    from visualize.figure import plot, to_png

    with step("Drawing"):
        write(picture, to_png(plot(timelines[0])))
    write(recording, to_json(timelines).encode())
    write(document, page.to_html(timelines, title="Checkout").encode())
    print(f"the picture above   {picture}")
    print(f"all {len(timelines)} requests      {recording}")
    print(f"to explore them     {document}")
