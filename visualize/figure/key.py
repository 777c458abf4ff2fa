"""The key under a figure: what hatches, shapes and lines mean, as far as they occur."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from fastapi_tasks.timeline import MODES
from visualize.layout import Align, Scene
from visualize.theme import SHAPES, Palette, blend
from visualize.words import MARK_WORDS

from .frame import EDGE, POINT, SMALL, Frame, is_tiled, measure
from .painter import (
    ENDINGS,
    MARK_STYLES,
    MARKERS,
    shows_arrows,
    shows_endings,
    shows_marks,
    shows_releases,
)

LINE = 13.0
"""Points from one line of the key to the next."""
SWATCH, HEIGHT = 13.0, 6.5
"""Points: the size of a swatch."""
GAP, BETWEEN = 4.0, 13.0
"""Points: from a swatch to its words, and from one entry to the next."""


class Entry(NamedTuple):
    """Words and the swatch that they explain: points from its lower left corner, and a style."""

    words: str
    xs: Sequence[float]
    ys: Sequence[float]
    style: dict[str, Any]


def entries(scenes: Sequence[Scene], frames: Sequence[Frame], palette: Palette) -> list[Entry]:
    """List what the figure shows and its words do not say."""
    pairs = list(zip(scenes, frames, strict=True))
    unnamed = any(is_tiled(scene) and shows_marks(scene) for scene in scenes)
    return [
        *(_modes(palette) if not all(frame.says_modes for frame in frames) else []),
        *_tasks(pairs, palette),
        *(_marks(palette) if unnamed else []),
        *_endings(pairs, palette),
    ]


def caption(scenes: Sequence[Scene], align: Align) -> str:
    """Say what the time axis counts from."""
    if not any(scene.groups for scene in scenes):
        return ""
    if align == "response_sent":
        return "time from response sent"
    several = any(len(scene.groups) > 1 for scene in scenes)
    return "time from the first request start" if several else "time from request start"


def flow(figure: Figure, found: Sequence[Entry], words: str) -> list[tuple[int, float]]:
    """The line and the place, in points, of every entry, and last of the caption's right end."""
    room = figure.get_figwidth() / POINT - EDGE
    places = []
    line, x = 0, EDGE
    for entry in found:
        width = SWATCH + GAP + measure(figure, entry.words, SMALL)
        if x > EDGE and x + width > room:
            line, x = line + 1, EDGE
        places.append((line, x))
        x += width + BETWEEN
    fits = x + measure(figure, words, SMALL) <= room
    return [*places, (line if fits else line + bool(found), room)]


def add_key(figure: Figure, found: Sequence[Entry], words: str, palette: Palette) -> None:
    """Put the entries along the lower edge, from the left, and the caption on the right."""
    *places, (last, right) = flow(figure, found, words)
    style: dict[str, Any] = {"color": palette["muted"], "transform": figure.dpi_scale_trans}

    def write(x: float, line: int, said: str, ha: str) -> float:
        y = EDGE + (last - line + 0.5) * LINE
        figure.text(
            x * POINT, y * POINT, said, ha=ha, va="center_baseline",
            fontsize=SMALL, parse_math=False, **style,
        )  # fmt: skip
        return y - HEIGHT / 2

    write(right, last, words, "right")
    for (line, x), entry in zip(places, found, strict=True):
        low = write(x + SWATCH + GAP, line, entry.words, "left")
        figure.add_artist(_swatch(entry, x, low, {"transform": figure.dpi_scale_trans}))


def _swatch(entry: Entry, x: float, y: float, where: dict[str, Any]) -> Artist:
    if not entry.xs:
        corner = (x * POINT, y * POINT)
        return Rectangle(corner, SWATCH * POINT, HEIGHT * POINT, lw=0.7, **entry.style, **where)
    xs, ys = [(x + one) * POINT for one in entry.xs], [(y + one) * POINT for one in entry.ys]
    return Line2D(xs, ys, **entry.style, **where)


def _box(words: str, **style: Any) -> Entry:
    return Entry(words, (), (), style)


def _dot(words: str, **style: Any) -> Entry:
    return Entry(words, [SWATCH / 2], [HEIGHT / 2], {"ls": "none", **style})


def _modes(palette: Palette) -> Iterator[Entry]:
    for mode in MODES:
        yield _dot(mode, marker=MARKERS[SHAPES[mode]], mfc=palette[mode], mec="none", ms=6)


def _tasks(pairs: Sequence[tuple[Scene, Frame]], palette: Palette) -> Iterator[Entry]:
    kinds = {bar.kind for scene, _ in pairs for bar in scene.bars}
    muted, background = palette["muted"], palette["background"]
    if any(shows_arrows(*pair) for pair in pairs):
        bend = ([2, 2, SWATCH], [HEIGHT + 0.5, 2, 2])
        style = {"color": palette["arrow"], "lw": 0.75, "marker": ">", "ms": 3, "markevery": [-1]}
        yield Entry("schedule() to start", *bend, style)
    if "wait" in kinds:
        hatch = "//////" if any(frame.hatched for _, frame in pairs) else None
        yield _box("waiting", fc=blend(muted, background, 0.13), ec=muted, hatch=hatch)
    if any(shows_releases(*pair) for pair in pairs):
        yield _dot("released", marker="o", mfc=background, mec=muted, ms=4.4, mew=0.9)
    if "run" in kinds:
        yield _box("running", fc=muted, ec=muted)


def _marks(palette: Palette) -> Iterator[Entry]:
    for kind, line in MARK_STYLES.items():
        style = {"ls": line, "color": palette["text"], "lw": 0.9}
        yield Entry(MARK_WORDS[kind], [0, SWATCH], [HEIGHT / 2] * 2, style)


def _endings(pairs: Sequence[tuple[Scene, Frame]], palette: Palette) -> Iterator[Entry]:
    shown = {sign.kind for pair in pairs if shows_endings(*pair) for sign in pair[0].signs}
    for kind, marker in ENDINGS.items():
        if kind in shown:
            yield _dot(kind, marker=marker, mfc=palette["error"], mec="none", ms=6)
