"""`show`: a recording, as text or in another form."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fastapi_tasks import Timeline
from visualize.answers.filter import FilterError
from visualize.answers.findings import to_markdown
from visualize.answers.together import Answers
from visualize.mermaid import to_mermaid
from visualize.painters import PAINTERS
from visualize.terminal import text
from visualize.terminal.answers import numbers, why
from visualize.terminal.pens import height, pen_for
from visualize.terminal.screen import screen

from . import formats
from .errors import USAGE, CommandError
from .files import STANDARD_OUTPUT
from .progress import step
from .recordings import STANDARD_INPUT, read

FORMS = tuple(painter.form for painter in PAINTERS)


def add_to(commands: Any) -> None:
    """Add this command to a parser."""
    command = formats.parser_of(
        commands, "show", "show a recording", "run.jsonl --where 'route:/orders wait>50ms'",
        "What was late and why, the numbers and the slowest requests on one screen, or more of "
        "each, or files of other forms.",
    )  # fmt: skip
    command.add_argument(
        "recording", type=Path, metavar="FILE", help="the recording; - reads standard input"
    )
    command.add_argument("--why", action="store_true", help="all that was late or failed, and why")
    command.add_argument(
        "--stats", action="store_true", help="the numbers of all routes, tasks and spans"
    )
    command.add_argument(
        "--slowest", type=_number, metavar="N",
        help="the N requests with the longest response or wait of a task, the slowest first",
    )  # fmt: skip
    command.add_argument("--all", action="store_true", help="all requests, in their order")
    command.add_argument(
        "--where", metavar="FILTER",
        help="only requests and tasks such as 'route:/orders wait>50ms', -outcome:ok, status:5xx",
    )  # fmt: skip
    command.add_argument(
        "--markdown", action="store_true", help="write Markdown, for a pull request"
    )
    formats.add_to(command, FORMS)
    command.set_defaults(run=run)


def _number(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of requests: give 1 or more")
    return number


def run(options: argparse.Namespace) -> int:
    """Read, then show or write."""
    source: Path = options.recording
    beside = Path("timeline") if source == STANDARD_INPUT else source
    files = formats.chosen(options, FORMS, beside, [source])
    asked = _asked(options, files)
    if asked and STANDARD_OUTPUT in files.values():
        raise CommandError("a form and words would both go to standard output: ask for one", USAGE)
    answers = _answers(read(source), options.where)
    if asked:
        name = "standard input" if source == STANDARD_INPUT else str(source)
        with step(f"Looking through {len(answers.timelines):,} requests"):
            said = "\n\n".join(_said(name, answers, options))
        print(said.rstrip("\n"))
    timelines = _timelines(answers, options)
    formats.write_all(files, lambda painter: painter.paint(timelines))
    return 0


def _answers(timelines: list[Timeline], where: str | None) -> Answers:
    try:
        answers = Answers.of(timelines, where)
    except FilterError as error:
        raise CommandError(f"--where: {error}", USAGE) from None
    if not answers.shown:
        raise CommandError(
            f"none of the {len(timelines):,} requests is like {where!r}: ask for less"
        )
    return answers


def _asked(options: argparse.Namespace, files: dict[str, Path]) -> bool:
    """Tell whether anything is to be written on standard output, beside files or without them."""
    return not files or options.why or options.stats or options.markdown


def _said(name: str, answers: Answers, options: argparse.Namespace) -> Iterator[str]:
    some = options.why or options.stats or options.slowest or options.all
    if options.markdown:
        yield from _markdown(name, answers, options, every=not some)
        return
    pen = pen_for()
    if not some:
        yield screen(name, answers, pen, height())
        return
    if options.why:
        yield "\n".join(why(answers.findings, pen, filtered=answers.filtered).lines)
    if options.stats:
        yield "\n".join(numbers(answers.summary, pen).lines)
    if options.slowest or options.all:
        yield text(_timelines(answers, options)).rstrip("\n")


def _markdown(
    name: str, answers: Answers, options: argparse.Namespace, *, every: bool
) -> Iterator[str]:
    if every:
        yield f"**{name}**: {answers}"
    if every or options.why:
        yield to_markdown(answers.findings)
    if every or options.stats:
        yield answers.summary.to_markdown()
    if options.slowest or options.all:
        yield f"```mermaid\n{to_mermaid(_timelines(answers, options))}```"


def _timelines(answers: Answers, options: argparse.Namespace) -> Sequence[Timeline]:
    """The requests that are drawn."""
    return answers.slowest(options.slowest) if options.slowest else answers.shown
