"""The forms that timelines can be written in, as options of a command."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from fastapi_tasks.recording import is_recording
from visualize.painters import Painter, painter_of

from .called import called
from .errors import USAGE, CommandError
from .files import STANDARD_OUTPUT, guard, refuse_twins, write
from .progress import step

BESIDE = Path("beside")
"""Stands for a file beside the recording, with the form's own ending."""


def add_to(command: argparse.ArgumentParser, forms: Iterable[str]) -> None:
    """Give a command an option for each form."""
    for painter in map(painter_of, forms):
        command.add_argument(
            f"--{painter.form}", type=Path, nargs="?", const=BESIDE, metavar="FILE",
            help=f"write {painter.words} (default: beside the recording; - for standard output)",
        )  # fmt: skip
    add_force_to(command)


def add_force_to(command: argparse.ArgumentParser) -> None:
    """Give a command the option that lets it replace any file."""
    command.add_argument(
        "--force", action="store_true", help="replace files, also those that are not of ours"
    )


def chosen(
    options: argparse.Namespace, forms: Iterable[str], source: Path, given: Iterable[Path]
) -> dict[str, Path]:
    """Return the forms that were asked for, each with its file, named after `source` by default.

    Raises CommandError for a file that was `given` to be read, for one that holds something else
    (unless `options.force`), and for two forms in one file: something would be lost.
    """
    files = {}
    for form in forms:
        file: Path | None = getattr(options, form)
        if file is not None:
            files[form] = source.with_suffix(painter_of(form).ending) if file is BESIDE else file
    refuse_twins({f"--{form}": file for form, file in files.items()})
    for form, file in files.items():
        if file.exists() and any(one.exists() and file.samefile(one) for one in given):
            raise CommandError(
                f"--{form} {file} would replace the recording itself: give another file", USAGE
            )
        guard_form(form, file, force=options.force)
    return files


def guard_form(form: str, file: Path, *, force: bool) -> None:
    """Raise CommandError if writing this form would replace anything but a file of this form."""
    painter = painter_of(form)

    def is_ours(head: bytes) -> bool:
        # A name in a recording may hold any sign.
        return painter.sign in head and not is_recording(head)

    guard(file, painter.kind, is_ours, force=force)


def write_all(files: Mapping[str, Path], paint: Callable[[Painter], bytes]) -> None:
    """Write what is painted in each form; say where it is, unless it went out."""
    for form, file in files.items():
        painter = painter_of(form)
        with step(f"Making {painter.words}"):
            content = paint(painter)
        write(file, content)
        if STANDARD_OUTPUT not in files.values():
            print(f"written: {file}")


def parser_of(commands: Any, name: str, words: str, example: str, more: str = "") -> Any:
    """Add a command, with an example in its help."""
    return commands.add_parser(
        name,
        help=words,
        description=f"{words[0].upper()}{words[1:]}. {more}".strip(),
        epilog=f"example: {called()} {name} {example}",
    )
