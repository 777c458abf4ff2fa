"""Draw the cheat sheet, one page as SVG and PDF: `python notebooks/cheat_sheet.py`.

The picture is a timeline as every other, the guide and the modes are those of the notebooks.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[1]))

from fastapi_tasks import ClientView, TaskRecord, Timeline
from notebooks.execute import FOLDER, notebooks, read
from visualize import plot
from visualize.figure.painter import ENDINGS, MARKERS
from visualize.theme import COLORS, HATCHES, PALE, SHAPES, STRONG, blend

MS = 1_000_000
A4 = (11.69, 8.27)
LEFT, MIDDLE, RIGHT = 0.04, 0.355, 0.675
TOP, LOWER = 0.475, 0.255
"""Shares of the page: where the columns begin, and the lower parts of the left and middle one."""
SIZE, LINE, ITEM = 8.2, 0.0185, 0.0055
"""Points of the letters; shares of the page from line to line, and more between two items."""
COLUMN = 60
"""Characters in a line of a column."""
COLOR = COLORS["light"]

TRAPS = (
    ("await tasks.schedule(f)", "It is not awaited: it returns at once."),
    ("tasks.schedule(f(x))", "Give the function, then its arguments: schedule(f, x)."),
    ("tasks.schedule(f, slow(x))", "Arguments are worked out first, in the endpoint."),
    ("async def f(): time.sleep(1)", "It holds the loop: everybody waits. Write def."),
    ("async def f(): compute()", "So does a computation: write def, or use a process pool."),
    ("Depends(get_db)", 'It commits after the answer; scope="function" before.'),
    ("after_route …, then raise", "What is held back is discarded, immediate tasks go on."),
    ("a stop of the server", "5 s for all, 25 s with a shield. For a crash: a queue."),
)
OUTCOMES = {
    "ok": "it returned",
    "error": "it raised",
    "cancelled": "cut off at the end of the app",
    "discarded": "never released: the endpoint failed",
    "abandoned": "still running at the last limit of a shutdown",
    "timeout": "ran longer than task(timeout=…) allows",
}


def example() -> Timeline:
    """A checkout with one task of each mode."""
    timeline = Timeline(1, "http", "POST", "/checkout", 0, 0, status=200)
    timeline.endpoint_start, timeline.endpoint_end = 1 * MS, 60 * MS
    timeline.response_start, timeline.response_sent = 80 * MS, 92 * MS
    timeline.request_end = 92 * MS
    timeline.client = ClientView(-4 * MS, 95 * MS, 97 * MS)
    moments = {
        "payment": ("immediate", 12, 12, 20, 110),
        "booking": ("after_route", 30, 60, 70, 130),
        "mail": ("after_response", 40, 92, 100, 190),
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
    plot(example(), ax=figure.add_axes((0.15, 0.595, 0.81, 0.315)))
    key(figure, 0.53)
    questions = [("", f"{n}. {question}") for n, question in enumerate(guide(), 1)]
    column(figure, LEFT, TOP, "Which mode?", questions)
    column(figure, LEFT, LOWER, "Three modes", tables("05"))
    late = "From requested to released it is held back: that is its mode. "
    late += "From released to started it waits: that is late."
    moments = [("", f"{name}: {what}") for name, what in tables("01")]
    column(figure, MIDDLE, TOP, "Four moments", [*moments, ("", late)])
    outcomes(figure, MIDDLE, LOWER)
    column(figure, RIGHT, TOP, "Traps", TRAPS)
    return figure


def column(
    figure: Figure, left: float, top: float, title: str, items: Iterable[tuple[str, ...]]
) -> None:
    """Write a heading, and below it each item: code, if there is any, and what is to be said."""
    y = heading(figure, left, top, title)
    for code, said in items:
        if code:
            write(figure, left, y, code, family="monospace", weight="bold")
            y -= LINE
        indent = "   " * bool(code or re.match(r"\d\.", said))
        first = "" if not code else indent
        for line in wrap(said, COLUMN, initial_indent=first, subsequent_indent=indent):
            write(figure, left, y, line)
            y -= LINE
        y -= ITEM


def heading(figure: Figure, left: float, top: float, title: str) -> float:
    """Write the heading of a column, and return where its first line stands."""
    figure.text(left, top, title, size=12, weight="bold", va="top")
    return top - 0.04


def write(figure: Figure, x: float, y: float, words: str, **style: Any) -> Any:
    """Write one line; a dollar sign in it is no formula."""
    return figure.text(x, y, words, size=SIZE, va="center", parse_math=False, **style)


def key(figure: Figure, y: float) -> None:
    """Explain hatches and signs, as the key of every other figure does."""
    muted, paper, hatch = COLOR["muted"], COLOR["paper"], HATCHES["immediate"]
    late = blend(muted, paper, 0.13)
    boxes: tuple[tuple[str, float, dict[str, Any]], ...] = (
        ("held back by its mode", 0.165, {"fc": paper, "hatch": PALE * hatch}),
        ("waiting: this is late", 0.155, {"fc": late, "hatch": STRONG * hatch}),
        ("running", 0.095, {"fc": muted}),
    )
    x = 0.15
    for words, width, style in boxes:
        figure.add_artist(Rectangle((x, y - 0.0055), 0.018, 0.011, ec=muted, lw=0.7, **style))
        write(figure, x + 0.024, y, words, color=muted)
        x += width
    for mode in ("immediate", "after_route", "after_response"):
        sign(figure, x, y, MARKERS[SHAPES[mode]], mfc=paper, mec=COLOR[mode], mew=0.9)
        write(figure, x + 0.01, y, f"released, {mode}", color=muted)
        x += 0.135


def outcomes(figure: Figure, left: float, top: float) -> None:
    """List how a task can end, with the sign that stands at the end of its bar."""
    y = heading(figure, left, top, "How a task ends")
    for outcome, words in OUTCOMES.items():
        if outcome in ENDINGS:
            sign(figure, left + 0.006, y, ENDINGS[outcome], mfc=COLOR["error"], mec="none")
        write(figure, left + 0.018, y, f"{outcome}: {words}")
        y -= LINE + ITEM / 2


def sign(figure: Figure, x: float, y: float, marker: str, **style: Any) -> None:
    """Draw one sign on the page."""
    figure.add_artist(Line2D([x], [y], ls="none", marker=marker, ms=5.5, **style))


def main() -> None:
    """Write both files, the same on every run."""
    matplotlib.rcParams["svg.hashsalt"] = "cheat sheet"
    figure = page()
    figure.savefig(FOLDER / "cheat_sheet.svg", metadata={"Date": None})
    figure.savefig(FOLDER / "cheat_sheet.pdf", metadata={"CreationDate": None})
    print("wrote cheat_sheet.svg and cheat_sheet.pdf")


if __name__ == "__main__":
    main()
