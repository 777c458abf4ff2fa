"""Figures of many requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fastapi_tasks.timeline import Timeline
from visualize.theme import Palette
from visualize.words import count

from .bands import NAMES, bands_of, draw, entries, height_of, summary, tops
from .crowd import Crowd, crowd
from .fonts import legible
from .frame import EDGE, NAME, NARROW, POINT, SMALL, elide, measure, whole
from .key import LINE, add_key, flow
from .pictures import DPI, TimelineAxes, TimelineFigure

CAPTION = "time from the first request start"
TITLE, TICKS, BETWEEN = 25.0, 19.0, 24.0
"""Points for the title above the axes, for the ticks below, and between two panels."""


def draw_crowd(ax: Axes, timelines: Sequence[Timeline], palette: Palette) -> None:
    """Draw many requests on axes that are given."""
    one = crowd(timelines)
    room = ax.bbox.height / whole(ax).dpi / POINT
    draw(ax, one, bands_of([one], room), palette)


def crowd_figure(
    panels: Mapping[str, Sequence[Timeline]], palette: Palette, width: float
) -> Figure:
    """Draw each recording that has any request, all on one time axis and to one scale."""
    crowds = {label: crowd(recording) for label, recording in panels.items() if recording}
    every = list(crowds.values())
    bands = bands_of(every)
    figure = TimelineFigure(figsize=(width, 1), dpi=DPI, facecolor=palette["paper"])
    FigureCanvasAgg(figure)
    found = entries(every, bands, palette)
    foot = TICKS + EDGE + (flow(figure, found, CAPTION)[-1][0] + 1) * LINE
    each = height_of(bands)
    total = (TITLE + each) * len(every) + BETWEEN * (len(every) - 1) + foot
    figure.set_figheight(total * POINT)
    left = NAMES + EDGE if width > NARROW else EDGE
    top, across = total, width / POINT
    scale = {kind: max(tops(one)[kind] for one in every) for kind in tops(every[0])}
    end = max(float(one.edges[-1]) for one in every)
    for label, one in crowds.items():
        top -= TITLE + each + (BETWEEN if top < total else 0)
        box = (left / across, top / total, (across - left - EDGE) / across, each / total)
        ax = figure.add_axes(box, axes_class=TimelineAxes)
        draw(ax, one, bands, palette, scale, end)
        _head(ax, label, one, palette, left)
    add_key(figure, found, CAPTION, palette)
    return figure


def _head(ax: Axes, label: str, one: Crowd, palette: Palette, left: float) -> None:
    """Write the title and, where there is room beside it, what went wrong."""
    figure = whole(ax)
    width = ax.bbox.width / figure.dpi / POINT
    size = NAME + 1
    many = f"{count(one.requests, 'request')}, {count(one.tasks, 'task')}"
    title = legible(label or many, "bold")
    said = summary(one) if not label else " · ".join(filter(None, [many, summary(one)]))
    room = width + left - EDGE
    shown = elide(title, room, lambda words: measure(figure, words, size, "bold"))
    ax.set_title(
        shown, loc="left", x=(EDGE - left) / width, fontsize=size, weight="bold",
        color=palette["text"], pad=6, parse_math=False,
    )  # fmt: skip
    if measure(figure, shown, size, "bold") + BETWEEN + measure(figure, said, SMALL) <= room:
        ax.set_title(
            said, loc="right", fontsize=SMALL, color=palette["muted"], pad=6, parse_math=False
        )
