"""The key under a figure: what hatches, shapes and lines mean, as far as they occur."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from fastapi_tasks.timeline import MODES, Mode
from visualize.layout import Align, Scene
from visualize.theme import HATCHES, PALE, SHAPES, STRONG, Palette, blend, looks
from visualize.words import MARK_WORDS

from .frame import EDGE, POINT, SMALL, Frame, is_tiled, measure
from .painter import (
    ENDINGS,
    MARK_STYLES,
    MARKERS,
    SIZES,
    shows_arrows,
    shows_marks,
    shows_releases,
)

LINE = 13.0
"""Points from one line of the key to the next."""
SWATCH, HEIGHT = 13.0, 6.5
"""Points: the size of a swatch."""
GAP, BETWEEN = 4.0, 11.0
"""Points: from a swatch to its words, and from one entry to the next."""


CALLS: dict[Mode, str] = {"background": "add_task()", "spawned": "create_task()"}
"""How tasks come about that are not ours."""


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
        *(_modes(scenes, palette) if not all(frame.says_modes for frame in frames) else []),
        *_tasks(pairs, palette),
        *(_marks(palette) if unnamed else []),
        *_endings(pairs, palette),
        *_missing(scenes, palette),
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
    """The line and the place, in points, of every entry, and last the last line's right end.

    The caption has the end of the first line: it belongs to the axis, which stands above.
    """
    room = figure.get_figwidth() / POINT - EDGE
    above = room - measure(figure, words, SMALL) - BETWEEN if words else room
    places: list[tuple[int, float]] = []
    line, x = 0, EDGE
    for group in _groups(found):
        widths = [_width(figure, entry) for entry in group]
        if x + sum(widths) > (room if line else above) and (x > EDGE or (words and not line)):
            line, x = line + 1, EDGE
        for width in widths:
            places.append((line, x))
            x += width
        x += BETWEEN
    return [*places, (line, room)]


def _groups(found: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Entries that stay together: a swatch without words shares those of the next one."""
    group: list[Entry] = []
    for entry in found:
        group.append(entry)
        if entry.words:
            yield group
            group = []


def _width(figure: Figure, entry: Entry) -> float:
    return SWATCH + (GAP + measure(figure, entry.words, SMALL)) * bool(entry.words)


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

    write(right, 0, words, "right")
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


def _modes(scenes: Sequence[Scene], palette: Palette) -> Iterator[Entry]:
    shown = {bar.mode for scene in scenes for bar in scene.bars}
    for mode in MODES:
        if mode in shown:
            size = 6 * SIZES.get(SHAPES[mode], 1.0)
            yield _dot(mode, marker=MARKERS[SHAPES[mode]], mfc=palette[mode], mec="none", ms=size)


def _tasks(pairs: Sequence[tuple[Scene, Frame]], palette: Palette) -> Iterator[Entry]:
    kinds = {bar.kind for scene, _ in pairs for bar in scene.bars}
    muted, paper = palette["muted"], palette["paper"]
    if any(shows_arrows(*pair) for pair in pairs):
        bend = ([2, 2, SWATCH], [HEIGHT + 0.5, 2, 2])
        style = {"color": palette["arrow"], "lw": 0.75, "marker": ">", "ms": 3, "markevery": [-1]}
        yield Entry(f"{_requested(pairs)} to start", *bend, style)
    hatch = HATCHES["immediate"] if any(frame.hatched for _, frame in pairs) else ""
    if "held" in kinds:
        lines = {"hatch": PALE * hatch, "hatchcolor": blend(muted, paper, 0.5)}
        yield _box("held back by its mode", fc=paper, ec=muted, **lines)
    if "wait" in kinds:
        yield _box("waiting", fc=blend(muted, paper, 0.13), ec=muted, hatch=STRONG * hatch)
    yield from _releases(pairs, palette)
    if "run" in kinds:
        yield _box("running", fc=muted, ec=muted)
    if "span" in kinds:
        look = looks(palette)["span", None]
        yield _box("span", fc=look.fill, ec=look.edge)


def _releases(pairs: Sequence[tuple[Scene, Frame]], palette: Palette) -> Iterator[Entry]:
    """The shapes that mark a release, those of all modes that have one before the same word."""
    signs = (sign for pair in pairs if shows_releases(*pair) for sign in pair[0].signs)
    modes = {sign.mode for sign in signs if sign.kind == "released"}
    shapes = list(dict.fromkeys(SHAPES[mode] for mode in MODES if mode in modes))
    for shape in shapes:
        look = {"mfc": palette["paper"], "mec": palette["muted"], "mew": 0.9}
        size = 4.4 * SIZES.get(shape, 1.0)
        yield _dot("released" * (shape == shapes[-1]), marker=MARKERS[shape], ms=size, **look)


def _requested(pairs: Sequence[tuple[Scene, Frame]]) -> str:
    """By which call the tasks came about."""
    modes = {arrow.mode for scene, _ in pairs for arrow in scene.arrows}
    calls = {CALLS.get(mode, "schedule()") for mode in modes}
    return calls.pop() if len(calls) == 1 else "requested"


def _marks(palette: Palette) -> Iterator[Entry]:
    for kind, line in MARK_STYLES.items():
        style = {"ls": line, "color": palette["text"], "lw": 0.9}
        yield Entry(MARK_WORDS[kind], [0, SWATCH], [HEIGHT / 2] * 2, style)


def _endings(pairs: Sequence[tuple[Scene, Frame]], palette: Palette) -> Iterator[Entry]:
    scenes = [scene for scene, _ in pairs]
    shown: set[str] = {sign.kind for scene in scenes for sign in scene.signs}
    shown |= {"error" for scene in scenes for bar in scene.bars if bar.kind == "span" and bar.error}
    for kind, marker in ENDINGS.items():
        if kind in shown:
            yield _dot(kind, marker=marker, mfc=palette["error"], mec="none", ms=6)


def _missing(scenes: Sequence[Scene], palette: Palette) -> Iterator[Entry]:
    """Say how much is not drawn: for want of room, or because the recorder has let it go."""
    groups = [group for scene in scenes for group in scene.groups]
    numbers = {
        "span not drawn": sum(group.counted for group in groups),
        "earlier span let go": sum(group.timeline.spans_dropped for group in groups),
        "earlier task let go": sum(group.timeline.tasks_dropped for group in groups),
    }
    for words, number in numbers.items():
        if number:
            plural = (
                words if number == 1 else words.replace("span", "spans").replace("task", "tasks")
            )
            yield _box(f"{number:,} {plural}", fc="none", ec=palette["muted"], ls=":")
