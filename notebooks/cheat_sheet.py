"""Draw the cheat sheet, one page as SVG and PDF: `python notebooks/cheat_sheet.py`.

The picture is a timeline as every other, the guide and the modes are those of the notebooks.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from textwrap import fill

import matplotlib
from matplotlib.figure import Figure

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[1]))

from fastapi_tasks import ClientView, TaskRecord, Timeline
from notebooks.execute import FOLDER, notebooks, read
from visualize import plot

MS = 1_000_000
A4 = (11.69, 8.27)
LEFT, MIDDLE, RIGHT = 0.04, 0.36, 0.68
COLUMN = 54
"""Characters in a line of a column."""

TRAPS = (
    ("await tasks.schedule(f)", "schedule() is not awaited: it returns at once."),
    ("schedule(f(x))", "Give the function and its arguments: schedule(f, x)."),
    ("schedule(f, slow(x))", "Arguments are worked out first, in the endpoint."),
    ("async def f: time.sleep(1)", "It holds the loop: everybody waits. Write def."),
    ("async def f: compute()", "So does a computation: def, or a process pool."),
    ("Depends(get_db)", 'commits after the answer: scope="function" commits before.'),
    ("after_route …, then raise", "What is held back is discarded. Immediate tasks go on."),
    ("a stop of the server", "5 s for all, 25 s with shield=True; a crash: use a queue."),
)


def example() -> Timeline:
    """A checkout with one task of each mode."""
    timeline = Timeline(1, "http", "POST", "/checkout", 0, 0, status=200)
    timeline.endpoint_start, timeline.endpoint_end = 1 * MS, 60 * MS
    timeline.response_start, timeline.response_sent = 80 * MS, 92 * MS
    timeline.request_end = 92 * MS
    timeline.client = ClientView(-4 * MS, 95 * MS, 97 * MS)
    moments = {
        "payment": ("immediate", 12, 12, 20, 110),
        "booking": ("after_route", 30, 60, 62, 130),
        "mail": ("after_response", 40, 92, 93, 190),
    }
    for name, (mode, *times) in moments.items():
        requested, released, started, finished = (time * MS for time in times)
        task = TaskRecord(name, mode, requested, released, started, finished, "ok")  # type: ignore[arg-type]
        task.id = len(timeline.tasks)
        timeline.tasks.append(task)
    return timeline


def tables(number: str) -> list[tuple[str, ...]]:
    """Return the rows of the first table in a notebook, as plain text."""
    [path] = notebooks([number])
    text = next(c.source for c in read(path).cells if c.source.count("\n|") > 2)
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [tuple(plain(cell) for cell in row) for row in rows[2:]]


def guide() -> list[str]:
    """Return the questions of the decision guide, from its notebook."""
    [path] = notebooks(["17"])
    text = next(c.source for c in read(path).cells if "## The idea" in c.source)
    return [plain(line) for line in re.findall(r"^\d\. (.*)$", text, re.MULTILINE)]


def plain(markdown: str) -> str:
    """Take the marks out of a piece of Markdown."""
    return re.sub(r" \([^)]*\)$|\*\*|`", "", markdown.strip())


def page() -> Figure:
    """Draw the sheet."""
    figure = Figure(figsize=A4, facecolor="white")
    title = "Background tasks in FastAPI: when they really run"
    figure.text(LEFT, 0.945, title, size=17, weight="bold")
    plot(example(), ax=figure.add_axes((0.13, 0.56, 0.83, 0.34)))
    modes = [f"{mode}\n{when}" for mode, when in tables("05")]
    moments = [f"{name}: {what}" for name, what in tables("01")]
    column(figure, LEFT, "Which mode?", [f"{n}. {q}" for n, q in enumerate(guide(), 1)])
    late = "From requested to released it is held back: that is its mode. "
    late += "From released to started it waits: that is late."
    column(figure, MIDDLE, "Four moments", [*moments, late])
    column(figure, LEFT, "Three modes", modes, top=0.29)
    column(figure, RIGHT, "Traps", [f"{code}\n{what}" for code, what in TRAPS])
    return figure


def column(figure: Figure, left: float, title: str, lines: list[str], top: float = 0.48) -> None:
    """Write a heading and paragraphs below each other."""
    figure.text(left, top, title, size=12, weight="bold", va="top")
    wrapped = []
    for line in lines:
        first, *rest = line.split("\n")
        wrapped.append(fill(first, COLUMN, subsequent_indent="   "))
        wrapped += [
            fill(more, COLUMN, initial_indent="   ", subsequent_indent="   ") for more in rest
        ]
    figure.text(left, top - 0.032, "\n".join(wrapped), size=8.4, va="top", linespacing=1.4)


def main() -> None:
    """Write both files, the same on every run."""
    matplotlib.rcParams["svg.hashsalt"] = "cheat sheet"
    figure = page()
    figure.savefig(FOLDER / "cheat_sheet.svg", metadata={"Date": None})
    figure.savefig(FOLDER / "cheat_sheet.pdf", metadata={"CreationDate": None})
    print("wrote cheat_sheet.svg and cheat_sheet.pdf")


if __name__ == "__main__":
    main()
