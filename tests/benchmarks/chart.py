"""The chart of the README, made of the committed results: `python -m tests.benchmarks.chart`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from tests.benchmarks.numbers import written
from tests.benchmarks.results import Data, Results, Row, load, read
from tests.benchmarks.workers import ROOT
from visualize import to_png

FILE = ROOT / "notebooks" / "pictures" / "benchmarks.png"

TEXT, MUTED, GRID = "#1c2128", "#59636e", "#e9ecef"
COLORS = {"ours": "#0072b2", "theirs": "#b8c0c8"}

SLOTS = 4

Bars = Sequence[tuple[str, float]]
"""Labels and numbers; ours are the labels that begin with `this`."""


def draw(results: Results, footnote: str = "") -> Figure:
    """Return four panels: what a request costs, threads, page size, time to first picture."""
    roomy = ConstrainedLayoutEngine(w_pad=0.18, h_pad=0.16, hspace=0.06)
    figure = Figure(figsize=(10, 6.2), facecolor="white", layout=roomy)
    figure.supxlabel(footnote, fontsize=8.5, color=MUTED)
    first, second, third, fourth = figure.subplots(2, 2).flat
    _bars(first, "A request with 3 async tasks", "times the same request without", _cost(results))
    _bars(second, "A def endpoint beside 200 slow tasks", "ms, median", _threads(results))
    _bars(third, "A page of 10,000 tasks", "KB of HTML", _pages(results, "10,000 tasks: KB"))
    pictures = _pages(results, "100,000 tasks: first picture, s")
    _bars(fourth, "A page of 100,000 tasks, drawn", "seconds, headless Chromium", pictures)
    return figure


def _cost(results: Results) -> Bars:
    row = results["scheduling"].rows["asyncio: 3 async, after_response"]
    return _named(row, {"on": "this, recording", "off": "this, recording off"} | THEIRS)


def _threads(results: Results) -> Bars:
    row = results["threads"].rows["def endpoint, p50"]
    return _named(row, {"plain": "no tasks", "on": "this, recording"} | THEIRS)


def _pages(results: Results, row: str) -> Bars:
    names = {"to_html": "this", "Bokeh": "Bokeh", "plotly": "plotly", "VizTracer": "VizTracer"}
    return _named(results["drawing"].rows[row], names)


THEIRS = {"BackgroundTasks": "BackgroundTasks", "0.1": "fastapi-tasks 0.1"}


def _named(row: Row, names: dict[str, str]) -> Bars:
    return [(label, row[column]) for column, label in names.items() if column in row]


def _bars(axes: Axes, title: str, unit: str, bars: Bars) -> None:
    """Draw one panel, every bar with its number."""
    labels, values = zip(*bars, strict=True)
    colors = [COLORS["ours" if label.startswith("this") else "theirs"] for label in labels]
    drawn = axes.barh(labels, values, height=0.62, color=colors)
    numbers = [written(value) for value in values]
    axes.bar_label(drawn, numbers, padding=4, color=TEXT, fontsize=10)
    axes.set_title(title, loc="left", y=1.09, color=TEXT, fontsize=11, fontweight="bold")
    axes.text(0, 1.03, unit, transform=axes.transAxes, color=MUTED, fontsize=9.5)
    axes.set_xlim(0, max(values) * 1.15)
    axes.set_ylim(SLOTS - 0.5, -0.5)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=10, labelcolor=TEXT)
    axes.set_xticks([])
    axes.axvline(0, color=GRID, linewidth=1.5, zorder=0)


def footnote(data: Data) -> str:
    """Say on what the numbers were measured."""
    machine, versions = data["machine"], data["versions"]
    date = max(subject["date"] for subject in data["subjects"].values())
    return (
        f"shorter is better · {machine['cores']} cores, {machine['cpu']} · "
        f"Python {versions['python']}, FastAPI {versions['fastapi']} · {date}"
    )


def main(file: Path = FILE) -> int:
    """Draw the committed results, and say where."""
    results = load()
    missing = sorted({"scheduling", "threads", "drawing"} - results.keys())
    if missing:
        print(
            f"there are no results of {', '.join(missing)}: python -m tests.benchmarks --save",
            file=sys.stderr,
        )
        return 1
    file.write_bytes(to_png(draw(results, footnote(read())), dpi=110))
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1e3:.0f} KB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
