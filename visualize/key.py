"""The key under a figure: what hatches, shapes and lines mean, as far as they occur."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from fastapi_tasks.timeline import MODES, OUTCOMES
from visualize.frame import EDGE, POINT, SMALL, measure
from visualize.layout import Align
from visualize.painter import ENDINGS, MARK_STYLES, MARKERS
from visualize.scene import Scene
from visualize.theme import SHAPES, Palette, blend
from visualize.words import MARK_WORDS

LINE = 13.0
"""Points from one line of the key to the next."""
SWATCH, HEIGHT = 13.0, 6.5
"""Points: the size of a swatch."""
GAP, BETWEEN = 4.0, 13.0
"""Points: from a swatch to its words, and from one entry to the next."""


class Entry(NamedTuple):
    """Words with the swatch that they explain; the style is that of a matplotlib artist."""

    words: str
    swatch: str
    style: dict[str, Any]


def entries(scenes: Sequence[Scene], palette: Palette) -> list[Entry]:
    """List what the scenes contain that their words do not say."""
    shared = any(lane.kind == "shared" for scene in scenes for lane in scene.lanes)
    found = [*_modes(palette)] if shared else []
    bars = {bar.kind for scene in scenes for bar in scene.bars}
    signs = {sign.kind for scene in scenes for sign in scene.signs}
    muted, pale = palette["muted"], blend(palette["muted"], palette["background"], 0.13)
    if "wait" in bars:
        found.append(Entry("waiting", "box", {"fc": pale, "ec": muted, "hatch": "//////"}))
    if "released" in signs:
        hollow = {"marker": "o", "mfc": palette["background"], "mec": muted, "ms": 4.4, "mew": 0.9}
        found.append(Entry("released", "dot", hollow))
    if "run" in bars:
        found.append(Entry("running", "box", {"fc": muted, "ec": muted}))
    if shared and any(scene.marks for scene in scenes):
        found += [
            Entry(MARK_WORDS[kind], "line", {"ls": style, "color": palette["text"], "lw": 0.9})
            for kind, style in MARK_STYLES.items()
        ]
    error = {"mfc": palette["error"], "mec": "none", "ms": 6}
    found += [
        Entry(outcome, "dot", {"marker": ENDINGS[outcome], **error})
        for outcome in OUTCOMES
        if outcome in signs
    ]
    return found


def _modes(palette: Palette) -> Iterator[Entry]:
    for mode in MODES:
        style = {"marker": MARKERS[SHAPES[mode]], "mfc": palette[mode], "mec": "none", "ms": 6}
        yield Entry(mode, "dot", style)


def caption(scenes: Sequence[Scene], align: Align) -> str:
    """Say what the time axis counts from."""
    if not any(scene.groups for scene in scenes):
        return ""
    if align == "response_sent":
        return "time after the response was sent"
    first = "the first request" if any(len(scene.groups) > 1 for scene in scenes) else "the request"
    return f"time after {first} arrived"


def add_key(figure: Figure, found: Sequence[Entry], words: str, palette: Palette) -> None:
    """Put the entries along the lower edge, from the left, and the caption on the right."""
    places = flow(figure, found, words)
    lines = places[-1][0]
    styled: dict[str, Any] = {"fontsize": SMALL, "color": palette["muted"], "va": "center_baseline"}
    for (line, x), entry in zip(places, [*found, None], strict=True):
        y = EDGE + (lines - line + 0.5) * LINE
        if entry is not None:
            _swatch(figure, entry, x, y)
            x += SWATCH + GAP
        figure.text(
            x * POINT, y * POINT, entry.words if entry else words, parse_math=False,
            transform=figure.dpi_scale_trans, **styled,
        )  # fmt: skip


def flow(figure: Figure, found: Sequence[Entry], words: str) -> list[tuple[int, float]]:
    """The line and the place, in points, of every entry, and last of the caption."""
    room = figure.get_figwidth() / POINT - EDGE
    places = []
    line, x = 0, EDGE
    for entry in found:
        width = SWATCH + GAP + measure(figure, entry.words, SMALL)
        if x > EDGE and x + width > room:
            line, x = line + 1, EDGE
        places.append((line, x))
        x += width + BETWEEN
    start = max(room - measure(figure, words, SMALL), EDGE)
    places.append((line if start >= x else line + bool(found), start))
    return places


def _swatch(figure: Figure, entry: Entry, x: float, y: float) -> None:
    where = {"transform": figure.dpi_scale_trans, **entry.style}
    left, middle, right = x * POINT, (x + SWATCH / 2) * POINT, (x + SWATCH) * POINT
    artist: Artist
    if entry.swatch == "box":
        low = (y - HEIGHT / 2) * POINT
        artist = Rectangle((left, low), SWATCH * POINT, HEIGHT * POINT, lw=0.7, **where)
    elif entry.swatch == "line":
        artist = Line2D([left, right], [y * POINT] * 2, **where)
    else:
        artist = Line2D([middle], [y * POINT], ls="none", **where)
    figure.add_artist(artist)
