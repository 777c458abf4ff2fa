"""A crowd of requests painted as bands over one time axis: numbers, and in front what failed.

The y axis is in points, downwards; the x axis, as of all figures, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from visualize.theme import Palette, blend
from visualize.words import MS, count, duration

from .axis import lay_time
from .crowd import Crowd, Floats, Spread
from .frame import GUTTER, NAME, POINT, SMALL, left_of, whole, width_of
from .key import Entry

GAP = 12.0
"""Points between two bands."""
HEIGHTS = {
    "errors": 14.0, "response": 96.0, "wait": 56.0, "running": 84.0, "requests": 34.0, "held": 14.0,
}  # fmt: skip
"""Points that each band takes, from the top; where room is short, the last go first."""
TITLES = {
    "errors": "errors", "response": "response time", "wait": "tasks waited",
    "running": "tasks running", "requests": "requests", "held": "loop held",
}  # fmt: skip
RANK = ("response", "errors", "running", "held", "wait", "requests")
"""What matters most first."""
NAMES = 118.0
"""Points left of the bands for their names."""


@dataclass(frozen=True, slots=True)
class Band:
    """One of the bands: from `top` to `bottom`, in points."""

    kind: str
    top: float
    bottom: float


def bands_of(crowds: Sequence[Crowd], room: float | None = None) -> list[Band]:
    """Stack the bands that have something to show, as many as there is room for, in points."""
    kinds = [kind for kind in HEIGHTS if any(_shows(one, kind) for one in crowds)]
    for kind in reversed(RANK):
        if room is not None and len(kinds) > 1 and _height(kinds) > room:
            kinds = [one for one in kinds if one != kind]
    bands, top = [], GAP
    for kind in kinds:
        bands.append(Band(kind, top, top + HEIGHTS[kind]))
        top += HEIGHTS[kind] + GAP
    return bands


def _height(kinds: Sequence[str]) -> float:
    return sum(HEIGHTS[kind] + GAP for kind in kinds)


def _shows(one: Crowd, kind: str) -> bool:
    return {
        "errors": one.failures > 0, "response": one.response.known, "wait": one.wait.known,
        "running": bool(one.running), "requests": True, "held": len(one.held) > 0,
    }[kind]  # fmt: skip


def height_of(bands: Sequence[Band]) -> float:
    """How high the bands are together."""
    return bands[-1].bottom + GAP / 2


def draw(
    ax: Axes,
    one: Crowd,
    bands: Sequence[Band],
    palette: Palette,
    scale: dict[str, float] | None = None,
    end: float | None = None,
) -> None:
    """Draw all bands, up to `end` milliseconds; `scale` says what is highest in each.

    Both are by default what the crowd itself needs; panels share them.
    """
    _dress(ax, end or float(one.edges[-1]), bands, palette)
    for band in bands:
        painter = _Painter(ax, one, band, palette, (scale or tops(one))[band.kind])
        getattr(painter, band.kind)()
        painter.name()


def tops(one: Crowd) -> dict[str, float]:
    """The highest value of each band."""
    stacked = sum(one.running.values(), np.zeros(len(one.counts)))
    return {
        "response": _highest(one.response), "wait": _highest(one.wait),
        "running": float(np.max(stacked, initial=1.0)), "errors": 1.0, "held": 1.0,
        "requests": float(np.max(one.rates, initial=1e-9)),
    }  # fmt: skip


def _highest(spread: Spread) -> float:
    return float(np.nanmax(spread.p95)) * 1.12 if spread.known else 1.0


def summary(one: Crowd) -> str:
    """What is wrong with a crowd, in a few words; empty where nothing is."""
    held = float(np.sum(one.held[:, 1] - one.held[:, 0])) if len(one.held) else 0.0
    said = [count(one.failures, "error")] if one.failures else []
    return " · ".join([*said, f"loop held {duration(round(held * MS))}"] if held else said)


def entries(crowds: Sequence[Crowd], bands: Sequence[Band], palette: Palette) -> list[Entry]:
    """Explain the colours."""
    kinds = {band.kind for band in bands}
    found = []
    if kinds & {"response", "wait"}:
        shade, line = blend(palette["phase"], palette["paper"], 0.3), palette["endpoint"]
        found += [
            Entry("half took less", [0, 13], [3, 3], {"color": line, "lw": 1.6}),
            Entry("95 of 100 took less", (), (), {"fc": shade, "ec": palette["phase"]}),
        ]
    modes = dict.fromkeys(mode for one in crowds for mode in one.running)
    if "running" in kinds:
        found += [Entry(mode, (), (), {"fc": palette[mode], "ec": palette[mode]}) for mode in modes]
    if any(len(one.failed) for one in crowds):
        mark = {"ls": "none", "marker": "X", "mfc": palette["error"], "mec": "none", "ms": 6}
        found.append(Entry("request failed", [6.5], [3.2], mark))
    return found


class _Painter:
    """Draws one band."""

    def __init__(self, ax: Axes, one: Crowd, band: Band, palette: Palette, top: float) -> None:
        self.ax, self.crowd, self.band, self.palette = ax, one, band, palette
        self.top = max(top, 1e-9)

    def y(self, values: Floats | float) -> Any:
        """Where values stand; what is higher than the band is drawn at its edge."""
        share = np.clip(np.asarray(values, dtype=float) / self.top, 0, 1)
        return self.band.bottom - share * (self.band.bottom - self.band.top)

    def response(self) -> None:
        self.spread(self.crowd.response)
        failed = self.crowd.failed
        if len(failed):
            y = self.y(np.nan_to_num(failed[:, 1], nan=0.0))
            self.ax.add_artist(Line2D(
                failed[:, 0], y, ls="none", marker="X", ms=6, mfc=self.palette["error"],
                mec=self.palette["paper"], mew=0.6, zorder=6,
            ))  # fmt: skip

    def wait(self) -> None:
        self.spread(self.crowd.wait)

    def spread(self, spread: Spread) -> None:
        """Shade up to the p95, and rule the p50 in it, bin after bin."""
        floor = np.full(len(spread.p95), self.band.bottom)
        shade = blend(self.palette["phase"], self.palette["paper"], 0.3)
        self.boxes(self.y(spread.p95), floor, np.isfinite(spread.p95), fc=shade, ec="none")
        for values, color, width in (
            (spread.p95, self.palette["phase"], 0.9), (spread.p50, self.palette["endpoint"], 1.6)
        ):  # fmt: skip
            y = self.y(values)
            left, right = self.crowd.edges[:-1], self.crowd.edges[1:]
            ends = np.stack([left, y, right, y], axis=1).reshape(-1, 2, 2)
            ends = ends[np.isfinite(values)]
            self.ax.add_collection(
                LineCollection(list(ends), colors=color, linewidths=width, zorder=3), autolim=False
            )

    def running(self) -> None:
        below = np.zeros(len(self.crowd.counts))
        for mode, values in self.crowd.running.items():
            above = below + values
            color = self.palette[mode]
            self.boxes(self.y(above), self.y(below), values > 0, fc=color, ec=self.palette["paper"])
            below = above

    def requests(self) -> None:
        rates = self.crowd.rates
        floor = np.full(len(rates), self.band.bottom)
        self.boxes(self.y(rates), floor, rates > 0, fc=self.palette["phase"], ec="none")

    def errors(self) -> None:
        """One stroke for each failure: however many there are, none is left out."""
        at = np.concatenate([self.crowd.failed[:, 0], self.crowd.errors])
        self.strokes(at, at, self.palette["error"])

    def held(self) -> None:
        self.strokes(self.crowd.held[:, 0], self.crowd.held[:, 1], self.palette["busy"])

    def strokes(self, start: Floats, end: Floats, color: str) -> None:
        low, high = self.ax.get_xlim()
        least = 1.2 * (high - low) / max(width_of(self.ax), 1.0)
        middle, half = (start + end) / 2, np.maximum(end - start, least) / 2
        xs = np.stack([middle - half, middle - half, middle + half, middle + half], axis=1)
        top, bottom = self.band.top, self.band.bottom
        ys = np.tile([top, bottom, bottom, top], (len(xs), 1))
        ground, width, height = (self.crowd.edges[0], top), self.crowd.edges[-1], bottom - top
        back = blend(color, self.palette["paper"], 0.08)
        self.ax.add_artist(Rectangle(ground, width, height, fc=back, ec="none", zorder=1.5))
        self.polygons(np.stack([xs, ys], axis=2), fc=color, ec="none", zorder=5)

    def boxes(self, top: Floats, bottom: Floats, shown: Any, **style: Any) -> None:
        left, right = self.crowd.edges[:-1], self.crowd.edges[1:]
        xs = np.stack([left, left, right, right], axis=1)
        ys = np.stack([top, bottom, bottom, top], axis=1)
        style = {"linewidth": 0.4, "zorder": 2, **style}
        self.polygons(np.stack([xs, ys], axis=2)[shown], **style)

    def polygons(self, corners: Floats, **style: Any) -> None:
        if len(corners):
            many: Any = corners
            self.ax.add_collection(PolyCollection(many, **style), autolim=False)

    def name(self) -> None:
        """Say left of the band what it is, and its numbers; over it where there is no room."""
        ax = self.ax
        figure = whole(ax)
        room = (ax.bbox.x0 - left_of(ax.bbox, figure)) / figure.dpi / POINT
        beside = room >= NAMES * 0.8
        middle = (self.band.top + self.band.bottom) / 2
        said = list(self.said())
        lines = [(TITLES[self.band.kind], NAME, self.palette["text"])]
        lines += [(words, SMALL, self.palette["muted"]) for words in said]
        if not beside:
            words = " · ".join([TITLES[self.band.kind], *said])
            self.write(words, SMALL, self.palette["text"], self.band.top - 1, 4, "left", "bottom")
            return
        if self.band.bottom - self.band.top < 30:
            words = " ".join([*said, TITLES[self.band.kind]])
            lines = [(words, NAME, self.palette["text"])]
        lift = 5.6 * (len(lines) - 1)
        for place, (words, size, color) in enumerate(lines):
            y = middle - lift + 11.2 * place
            self.write(words, size, color, y, -GUTTER, "right", "center_baseline")

    def said(self) -> Iterator[str]:
        """The band's own numbers."""
        kind, one = self.band.kind, self.crowd
        if kind in ("response", "wait"):
            spread = one.response if kind == "response" else one.wait
            half, most, top = (duration(round(value * MS)) for value in spread.whole)
            yield from (f"p50 {half}", f"p95 {most}", f"max {top}")
        elif kind == "running":
            yield f"up to {one.at_once:,} at once"
        elif kind == "requests":
            yield f"up to {tops(one)[kind]:.3g} a second"
        elif kind == "errors":
            yield f"{one.failures:,}"

    def write(
        self, words: str, size: float, color: str, y: float, dx: float, ha: str, va: str
    ) -> None:
        style: dict[str, Any] = {"ha": ha, "va": va, "fontsize": size, "color": color}
        self.ax.annotate(
            words, (0, y), (dx, 0), ("axes fraction", "data"), "offset points",
            annotation_clip=False, parse_math=False, zorder=7, **style,
        )  # fmt: skip


def _dress(ax: Axes, end: float, bands: Sequence[Band], palette: Palette) -> None:
    ax.set_xlim(-0.004 * end, 1.004 * end)
    ax.set_ylim(height_of(bands), 0)
    lay_time(ax, palette)
