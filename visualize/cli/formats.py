"""The forms that timelines can be written in, as options of a command."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from visualize.painters import PAINTERS, Painter

from .errors import USAGE, CommandError
from .files import STANDARD_OUTPUT, write
from .progress import step

BESIDE = Path("beside")
"""Stands for a file beside the recording, with the form's own ending."""

ENDINGS = {painter.form: painter.ending for painter in PAINTERS}
WORDS = {painter.form: painter.words for painter in PAINTERS}


def add_to(command: argparse.ArgumentParser, forms: Iterable[str]) -> None:
    """Give a command an option for each form."""
    for form in forms:
        command.add_argument(
            f"--{form}", type=Path, nargs="?", const=BESIDE, metavar="FILE",
            help=f"write {WORDS[form]} (default: beside the recording; - for standard output)",
        )  # fmt: skip


def chosen(
    options: argparse.Namespace, forms: Iterable[str], source: Path, given: Iterable[Path]
) -> dict[str, Path]:
    """Return the forms that were asked for, each with its file, named after `source` by default.

    Raises CommandError for a file that was `given` to be read: it would be lost.
    """
    files = {}
    for form in forms:
        file: Path | None = getattr(options, form)
        if file is not None:
            files[form] = source.with_suffix(ENDINGS[form]) if file is BESIDE else file
    for form, file in files.items():
        if file.exists() and any(one.exists() and file.samefile(one) for one in given):
            raise CommandError(
                f"--{form} {file} would replace the recording itself: give another file", USAGE
            )
    return files


def write_all(files: Mapping[str, Path], paint: Callable[[Painter], bytes]) -> None:
    """Write what is painted in each form; say where it is, unless it went out."""
    painters = {painter.form: painter for painter in PAINTERS}
    for form, file in files.items():
        with step(f"Making {WORDS[form]}"):
            content = paint(painters[form])
        write(file, content)
        if STANDARD_OUTPUT not in files.values():
            print(f"written: {file}")


def parser_of(commands: Any, name: str, words: str, example: str, more: str = "") -> Any:
    """Add a command, with an example in its help."""
    return commands.add_parser(
        name,
        help=words,
        description=f"{words[0].upper()}{words[1:]}. {more}".strip(),
        epilog=f"example: python -m visualize {name} {example}",
    )
