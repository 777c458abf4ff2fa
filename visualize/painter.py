"""A scene painted on matplotlib axes: one collection for each look, never one artist per bar.

The x axis is in milliseconds after the scene's origin, the y axis in lanes, downwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fastapi_tasks.timeline import MODES
from visualize.scene import Scene
from visualize.theme import HATCHES, SHAPES, Palette, blend
from visualize.words import MS

Floats: TypeAlias = NDArray[np.float64]

HALF = 0.26
"""Half the height of a bar, in lanes."""
MARKERS = {"circle": "o", "diamond": "D", "triangle": "^"}
ENDINGS = {"error": "X", "cancelled": "s", "discarded": "o", "abandoned": ">"}
MANY_ARROWS = 300
"""Beyond this many arrows, they would hide more than they show: none is drawn."""


class Look(NamedTuple):
    """How a kind of bar looks."""

    fill: str
    edge: str
    hatch: str | None = None


def paint(ax: Axes, scene: Scene, palette: Palette) -> None:
    """Draw all of the scene but its words."""
    bars = _columns(scene.bars)
    if bars:
        pad = _span(scene) * 0.03
        _paint_bands(ax, scene, bars, palette)
        _paint_bars(ax, bars, palette, pad)
    _paint_marks(ax, scene, palette)
    if len(scene.arrows) <= MANY_ARROWS:
        _paint_arrows(ax, scene, palette)
    _paint_signs(ax, scene, palette)


def _span(scene: Scene) -> float:
    """The width of the scene in milliseconds, never zero."""
    return max(scene.end - scene.start, 1) / MS


def _columns(rows: tuple[Any, ...]) -> dict[str, NDArray[Any]]:
    """Turn a tuple of like named tuples into arrays, one a field."""
    if not rows:
        return {}
    columns = zip(*rows, strict=True)
    return {
        name: np.array([value if value is not None else "" for value in column], dtype=object)
        if name in ("mode", "kind")
        else np.array(column)
        for name, column in zip(rows[0]._fields, columns, strict=True)
        if name in ("lane", "start", "end", "at", "to", "to_lane", "first", "last")
        or name in ("kind", "mode", "open", "backwards")
    }


def _looks(palette: Palette) -> Iterator[tuple[str, str, Look]]:
    """Every kind of bar, the mode it belongs to, and its look."""
    for mode in MODES:
        color = palette[mode]
        tint = blend(color, palette["background"], 0.14)
        yield "wait", mode, Look(tint, color, HATCHES[mode])
        yield "run", mode, Look(color, color)
    for kind in ("endpoint", "busy"):
        yield kind, "", Look(palette[kind], palette[kind])
    for kind in ("before", "after", "handling"):
        yield kind, "", Look(blend(palette["phase"], palette["background"], 0.2), palette["phase"])
    yield "sending", "", Look(palette["phase"], palette["phase"])
    yield "waiting", "", Look(blend(palette["phase"], palette["background"], 0.2), palette["phase"])
    yield "receiving", "", Look(palette["phase"], palette["phase"])


def _paint_bars(ax: Axes, bars: dict[str, NDArray[Any]], palette: Palette, pad: float) -> None:
    start, end = bars["start"] / MS, bars["end"] / MS
    for kind, mode, look in _looks(palette):
        chosen = (bars["kind"] == kind) & (bars["mode"] == mode)
        wrong = chosen & bars["backwards"]
        right = chosen & ~bars["backwards"]
        going_on = chosen & bars["open"]
        if right.any():
            _add(ax, _boxes(start[right], end[right], bars["lane"][right]), look, 2)
        if wrong.any():
            odd = Look("none", palette["error"])
            _add(ax, _boxes(start[wrong], end[wrong], bars["lane"][wrong]), odd, 2, ls=":")
        for first, last in ((0.12, 0.34), (0.46, 0.64), (0.76, 0.9)) if going_on.any() else ():
            tail = _boxes(
                end[going_on] + first * pad, end[going_on] + last * pad, bars["lane"][going_on]
            )
            _add(ax, tail, look, 2)


def _paint_bands(ax: Axes, scene: Scene, bars: dict[str, NDArray[Any]], palette: Palette) -> None:
    """Shade the lanes of a request while something held the event loop."""
    held = bars["kind"] == "busy"
    if held.any():
        rows = [
            (scene.groups[bar.request].first, bar.lane) for bar in scene.bars if bar.kind == "busy"
        ]
        top, bottom = np.array(rows).T
        boxes = _boxes(
            bars["start"][held] / MS,
            bars["end"][held] / MS,
            (top + bottom) / 2,
            (bottom - top) / 2 + 0.5,
        )
        _add(ax, boxes, Look(palette["band"], "none"), 0.6)


def _boxes(start: Floats, end: Floats, middle: Floats, half: Floats | float = HALF) -> Floats:
    """The corners of many rectangles, as (n, 4, 2)."""
    top, bottom = middle - half, middle + half
    xs = np.stack([start, start, end, end], axis=1)
    ys = np.stack([top, bottom, bottom, top], axis=1)
    return np.stack([xs, ys], axis=2)


def _add(ax: Axes, boxes: Floats, look: Look, zorder: float, ls: str = "-") -> None:
    # The edge keeps a bar visible that is narrower than a pixel.
    collection = PolyCollection(
        list(boxes), facecolors=look.fill, edgecolors=look.edge, hatch=look.hatch,
        linewidths=0.7, linestyles=ls, zorder=zorder,
    )  # fmt: skip
    ax.add_collection(collection, autolim=False)


def _paint_marks(ax: Axes, scene: Scene, palette: Palette) -> None:
    for kind, style, width in (("endpoint_end", (0, (3, 2)), 0.9), ("response_sent", "-", 1.1)):
        lines = [
            [(mark.at / MS, mark.first - 0.5), (mark.at / MS, mark.last + 0.5)]
            for mark in scene.marks
            if mark.kind == kind
        ]
        collection = LineCollection(
            lines, colors=palette["text"], linestyles=[style], linewidths=width, zorder=1.5
        )
        ax.add_collection(collection, autolim=False)


def _paint_arrows(ax: Axes, scene: Scene, palette: Palette) -> None:
    """Draw each arrow down to its lane, along the wait, and onto the start."""
    lines, tips = [], []
    for arrow in scene.arrows:
        above = arrow.to_lane - HALF - 0.1
        x, to = arrow.at / MS, (arrow.at if arrow.to is None else arrow.to) / MS
        lines.append([(x, arrow.lane), (x, above), (to, above), (to, arrow.to_lane - HALF)])
        tips.append((to, arrow.to_lane - HALF - 0.06))
    collection = LineCollection(lines, colors=palette["arrow"], linewidths=0.8, zorder=1.4)
    ax.add_collection(collection, autolim=False)
    if tips:
        xs, ys = zip(*tips, strict=True)
        _dots(ax, xs, ys, marker="v", ms=3.2, mfc=palette["arrow"], mec="none", zorder=2.6)


def _paint_signs(ax: Axes, scene: Scene, palette: Palette) -> None:
    for mode in MODES:
        found = [(s.at / MS, s.lane) for s in scene.signs if (s.kind, s.mode) == ("released", mode)]
        if found:
            xs, ys = zip(*found, strict=True)
            _dots(
                ax, xs, ys, marker=MARKERS[SHAPES[mode]], ms=4.2, mew=1.0,
                mfc=palette["background"], mec=palette[mode], zorder=3,
            )  # fmt: skip
    for kind, marker in ENDINGS.items():
        found = [(s.at / MS, s.lane) for s in scene.signs if s.kind == kind]
        if found:
            xs, ys = zip(*found, strict=True)
            _dots(
                ax, xs, ys, marker=marker, ms=7.5, mew=1.0,
                mfc=palette["error"], mec=palette["background"], zorder=4,
            )  # fmt: skip


def _dots(ax: Axes, xs: Any, ys: Any, **style: Any) -> None:
    ax.add_line(Line2D(xs, ys, linestyle="none", **style))
