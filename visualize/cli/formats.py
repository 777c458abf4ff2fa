"""The forms that timelines can be written in, as options of a command."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .called import called
from .errors import USAGE, CommandError
from .files import STANDARD_OUTPUT, write
from .progress import step

BESIDE = Path("beside")
"""Stands for a file beside the recording, with the form's own ending."""

ENDINGS = {"html": ".html", "png": ".png", "svg": ".svg", "perfetto": ".perfetto.json"}
WORDS = {
    "html": "an interactive page, in one file",
    "png": "a picture",
    "svg": "a picture to scale",
    "perfetto": "a trace for ui.perfetto.dev",
}


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


def write_all(files: Mapping[str, Path], forms: object) -> None:
    """Write what the method named after each form makes; say where it is, unless it went out."""
    for form, file in files.items():
        with step(f"Making {WORDS[form]}"):
            content: bytes = getattr(forms, form)()
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
