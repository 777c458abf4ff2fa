"""A recording on one screen: why, in numbers, and the slowest requests."""

from __future__ import annotations

from fastapi_tasks.timeline import Timeline
from visualize.answers.summary import Summary
from visualize.answers.together import Answers, slowness
from visualize.words import count, duration

from .answers import Part, listing, numbers, paragraph, why
from .cells import Pen
from .writing import text

FEW = 3
"""The most timelines on a screen."""
WHY, NUMBERS = 0.35, 0.3
"""The shares of a screen that findings and numbers may take, where timelines fit beside them."""
LEAST = 20
"""Lines; less is no screen, but a window that scrolls."""


def screen(name: str, answers: Answers, pen: Pen, height: int) -> str:
    """Write what matters most of a recording on at most `height` lines, and how to see the rest.

    With very few lines, a finding, six rows and a line on the slowest requests come all the same.
    """
    head = paragraph(f"{name}: {answers}", pen, "bold")
    # The rest: what to ask for takes two lines, the prompt one, and one is empty between parts.
    room = max(height, LEAST) - len(head) - 2 - 1 - 4
    reasons = _why(answers, pen, int(WHY * room))
    rows = numbers(answers.summary, pen, int(NUMBERS * room))
    slow, drawn = _slowest(answers, pen, room - len(reasons.lines) - len(rows.lines))
    # What is left over is for more of the other two.
    room -= len(slow)
    rows = numbers(answers.summary, pen, room - len(reasons.lines))
    reasons = _why(answers, pen, room - len(rows.lines))
    parts = [head, reasons.lines, rows.lines, slow, _more(answers, pen, reasons, rows, drawn)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _why(answers: Answers, pen: Pen, room: int) -> Part:
    return why(answers.findings, pen, room, filtered=answers.filtered)


def _slowest(answers: Answers, pen: Pen, room: int) -> tuple[list[str], int]:
    """The slowest timelines, as many as there is room for; else, what they are called."""
    slowest = answers.slowest(FEW)
    for number in range(len(slowest), 0, -1):
        lines = _heading(answers, number, pen) + _drawn(slowest[:number], pen)
        if len(lines) <= room:
            return lines, number
    parts = [f"{one.title} {duration(slowness(one))}" for one in slowest]
    return listing("slowest:", parts, pen), 0


def _heading(answers: Answers, number: int, pen: Pen) -> list[str]:
    if number == len(answers.shown):
        return []
    which = "the slowest" if number == 1 else f"the slowest {number}"
    return [pen.styled(f"{which}, by its response or by the wait of a task", "dim"), ""]


def _drawn(timelines: list[Timeline], pen: Pen) -> list[str]:
    return text(timelines, width=pen.width, color=pen.color, ascii=pen.plain).splitlines()


def _more(answers: Answers, pen: Pen, reasons: Part, rows: Part, drawn: int) -> list[str]:
    """Say how to see all that is not shown."""
    parts = []
    if reasons.left:
        parts.append(f"--why ({count(len(answers.findings), 'finding')})")
    if rows.left:
        parts.append(f"--stats ({count(_size(answers.summary), 'row')})")
    if drawn < len(answers.shown):
        parts += ["--slowest 9", f"--all ({count(len(answers.shown), 'timeline')})"]
    parts += ["--where 'wait>50ms'", "--html"]
    return listing("more:", parts, pen, "dim")


def _size(summary: Summary) -> int:
    return len(summary.routes) + len(summary.tasks) + len(summary.spans)
