"""Timelines as matplotlib figures, made without pyplot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fastapi_tasks.timeline import Timeline
from visualize.layout import (
    Align,
    Lanes,
    Recording,
    Scene,
    Spans,
    arrange,
    arrange_all,
    listed,
    one_of,
)
from visualize.theme import COLORS, Palette, ThemeName, luminance
from visualize.words import count, duration

from .axis import dress
from .crowd import MANY
from .crowded import crowd_figure, draw_crowd
from .fonts import legible
from .frame import (
    EDGE,
    GUTTER,
    NAME,
    POINT,
    SMALL,
    Frame,
    elide,
    frame_for,
    frame_of,
    measure,
    names_width,
    whole,
)
from .key import LINE, add_key, caption, entries, flow
from .labels import Labels
from .painter import paint
from .pictures import DPI, TimelineAxes, TimelineFigure
from .rows import Rows

WIDTH = 8.0
"""Inches; at 160 dots an inch, 1280 pixels."""
TITLE, TICKS, BETWEEN = 25.0, 19.0, 24.0
"""Points for the title above the axes, for the ticks below, and between two panels."""
TITLE_SIZE = NAME + 1
READABLE = 10.5
"""Points from which on a lane of axes that are given has room for words."""
SMALLER: tuple[Spans, ...] = ("packed", "counted")
NAMES_SHARE = 0.36
"""The most that the names may take of the width."""


def plot(
    timelines: Recording,
    *,
    ax: Axes | None = None,
    theme: ThemeName | None = None,
    lanes: Lanes | None = None,
    spans: Spans | None = None,
    align: Align = "request_start",
    width: float = WIDTH,
) -> Axes:
    """Draw timelines, and return the axes, whose x axis is in milliseconds.

    Without `ax`, a new figure is made, `width` inches wide and as high as its lanes need. `theme`
    is by default the one that suits the background of `ax`'s figure, else `light`. `lanes`,
    `spans` and `align` are those of `visualize.layout.arrange`. More than 60 requests are shown as
    numbers over time, with failures in front, unless `lanes` is given.
    """
    given = listed(timelines)
    if ax is not None:
        palette = _palette(theme or _theme_of(ax))
        if _is_crowd([given], lanes):
            draw_crowd(ax, given, palette)
        else:
            scene = _fitted(ax, given, align, lanes, spans)
            _draw(ax, scene, frame_of(ax, scene), palette)
        return ax
    palette = _palette(theme or "light")
    if _is_crowd([given], lanes):
        return crowd_figure({"": given}, palette, width).axes[0]
    scene = arrange(given, align=align, lanes=lanes, spans=spans)
    return _figure([("", scene)], palette, width, align).axes[0]


def compare(
    panels: Mapping[str, Recording],
    *,
    theme: ThemeName = "light",
    lanes: Lanes | None = None,
    spans: Spans | None = None,
    align: Align = "request_start",
    width: float = WIDTH,
) -> Figure:
    """Draw each panel under its label, all on one time axis, and return the figure.

    `align` puts zero at each panel's request start or where its response was sent. The options
    are those of `plot`.
    """
    if isinstance(panels, Mapping):
        recordings = {label: listed(panel) for label, panel in panels.items()}
        if _is_crowd(list(recordings.values()), lanes):
            return crowd_figure(recordings, _palette(theme), width)
        panels = recordings
    scenes = arrange_all(panels, align=align, lanes=lanes, spans=spans)
    return _figure(list(scenes.items()), _palette(theme), width, align)


def _is_crowd(recordings: Sequence[Sequence[Timeline]], lanes: Lanes | None) -> bool:
    return lanes is None and any(len(recording) > MANY for recording in recordings)


def _fitted(
    ax: Axes, timelines: Sequence[Timeline], align: Align, lanes: Lanes | None, spans: Spans | None
) -> Scene:
    """Arrange timelines so that their tasks can be named in axes as they are.

    Spans that nobody asked for give way to that: they are packed, or only counted.
    """
    scene = arrange(timelines, align=align, lanes=lanes, spans=spans)
    if spans is not None or not any(timeline.spans for timeline in timelines):
        return scene
    for way in SMALLER:
        if frame_of(ax, scene).lane >= READABLE:
            break
        scene = arrange(timelines, align=align, lanes=lanes, spans=way)
    return scene


def _palette(theme: ThemeName) -> Palette:
    one_of("theme", theme, COLORS)
    return COLORS[theme]


def _theme_of(ax: Axes) -> ThemeName:
    back: Any = whole(ax).get_facecolor()
    return "dark" if luminance(to_hex(back)) < 0.18 else "light"


def _draw(ax: Axes, scene: Scene, frame: Frame, palette: Palette) -> None:
    dress(ax, scene, frame, palette)
    paint(ax, scene, frame, palette)
    Labels(ax, scene, frame, palette)


def _figure(
    panels: list[tuple[str, Scene]], palette: Palette, width: float, align: Align
) -> Figure:
    """Stack the panels in a new figure, from the top down."""
    scenes = [scene for _, scene in panels]
    frames = [frame_for(scene, width) for scene in scenes]
    figure = TimelineFigure(figsize=(width, 1), dpi=DPI, facecolor=palette["paper"])
    FigureCanvasAgg(figure)
    found, words = entries(scenes, frames, palette), caption(scenes, align)
    foot = TICKS + EDGE + (flow(figure, found, words)[-1][0] + 1) * LINE
    heights = [f.lane * Rows(s, f).height + f.head for f, s in zip(frames, scenes, strict=True)]
    total = sum(heights) + TITLE * len(heights) + BETWEEN * max(len(heights) - 1, 0) + foot
    figure.set_figheight(total * POINT)
    left = max(map(partial(_left, figure), scenes, frames), default=EDGE)
    top, across = total, width / POINT
    for (label, scene), frame, height in zip(panels, frames, heights, strict=True):
        top -= TITLE + height + (BETWEEN if top < total else 0)
        box = (left / across, top / total, (across - left - EDGE) / across, height / total)
        ax = figure.add_axes(box, axes_class=TimelineAxes)
        _draw(ax, scene, frame, palette)
        _head(ax, label, scene, palette, left)
    add_key(figure, found, words, palette)
    return figure


def _left(figure: Figure, scene: Scene, frame: Frame) -> float:
    """Points left of the axes."""
    if frame.names != "beside":
        return EDGE
    return min(
        names_width(figure, scene, titled=True) + GUTTER + EDGE,
        NAMES_SHARE * figure.get_figwidth() / POINT,
    )


def _head(ax: Axes, label: str, scene: Scene, palette: Palette, left: float) -> None:
    """Write the title and, where there is room beside it, what came of the request."""
    figure = whole(ax)
    width = ax.bbox.width / figure.dpi / POINT
    title, summaries = _summary(scene)
    title = legible(label or title, "bold")
    room = width + left - EDGE
    long = measure(figure, title, TITLE_SIZE, "bold")
    fitting = (s for s in summaries if long + BETWEEN + measure(figure, s, SMALL) <= room)
    shown = elide(title, room, lambda words: measure(figure, words, TITLE_SIZE, "bold"))
    styled: dict[str, Any] = {"pad": 6, "parse_math": False}
    ax.set_title(
        shown, loc="left", x=(EDGE - left) / width, fontsize=TITLE_SIZE, weight="bold",
        color=palette["text"], **styled,
    )  # fmt: skip
    words = next(fitting, "")
    ax.set_title(words, loc="right", fontsize=SMALL, color=palette["muted"], **styled)


def _summary(scene: Scene) -> tuple[str, list[str]]:
    """What a scene shows, in a few words, and what came of it, from long to short."""
    if not scene.groups:
        return "No request was recorded", []
    if len(scene.groups) > 1:
        return f"{count(len(scene.groups), 'request')}, {count(scene.tasks, 'task')}", []
    timeline = scene.groups[0].timeline
    start = timeline.request_start
    said = [] if timeline.status is None else [str(timeline.status)]
    if timeline.response_sent is not None:
        said.append(f"response sent after {duration(timeline.response_sent - start)}")
    ends = [task.finished for task in timeline.tasks if task.finished is not None]
    last = [f"last task ended after {duration(max(ends) - start)}"] if ends else []
    return timeline.title, [" · ".join(said + last), " · ".join(said), *said[:1]]
