"""Timelines as text for a terminal."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastapi_tasks.timeline import Mode, Outcome, Timeline
from visualize.layout import arrange
from visualize.scene import Scene
from visualize.words import duration, harmless

LEAST = 40
"""Columns below which nothing can be told apart."""
ANSI: dict[str, str] = {
    "immediate": "38;5;208",
    "after_route": "38;5;33",
    "after_response": "38;5;36",
    "bold": "1",
    "dim": "2",
    "error": "38;5;197",
}


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a timeline is made of."""

    wait: str
    run: str
    on: str
    endpoint_end: str
    response_sent: str
    phases: dict[str, str]
    shapes: dict[Mode, str]
    outcomes: dict[Outcome | None, str]
    busy: str


PLAIN = Glyphs(
    wait=".", run="#", on=">", endpoint_end=":", response_sent="|", busy="!",
    phases={"before": "-", "endpoint": "=", "handling": "=", "sending": "~", "after": "-",
            "waiting": "-", "receiving": "~"},
    shapes={"immediate": "o", "after_route": "+", "after_response": "^"},
    outcomes={"ok": "v", "error": "x", "cancelled": "c", "discarded": "d", "abandoned": "a",
              None: ">"},
)  # fmt: skip
BLOCKS = Glyphs(
    wait="░", run="█", on="▶", endpoint_end="┊", response_sent="│", busy="▒",
    phases={"before": "╌", "endpoint": "━", "handling": "━", "sending": "╍", "after": "╌",
            "waiting": "─", "receiving": "╌"},
    shapes={"immediate": "●", "after_route": "◆", "after_response": "▲"},
    outcomes={"ok": "✓", "error": "✗", "cancelled": "■", "discarded": "○", "abandoned": "▷",
              None: "▶"},
)  # fmt: skip


def text(
    timelines: Timeline | Iterable[Timeline],
    *,
    width: int | None = None,
    color: bool | None = None,
    ascii: bool | None = None,
) -> str:
    """Draw the timelines as text, one request after another.

    `width` is in columns, at least 40; by default the terminal's. `color` is by default on where
    standard output is a terminal and NO_COLOR is unset; `ascii`, where its encoding has no block
    characters.
    """
    given = [timelines] if isinstance(timelines, Timeline) else list(timelines)
    columns = shutil.get_terminal_size((100, 24)).columns if width is None else width
    pen = Pen(
        max(columns, LEAST),
        _wants_color() if color is None else color,
        PLAIN if (_is_plain() if ascii is None else ascii) else BLOCKS,
    )
    if not given:
        return "No request was recorded.\n"
    return "\n".join("\n".join(_request(timeline, pen)) + "\n" for timeline in given)


@dataclass(frozen=True, slots=True)
class Pen:
    """How wide, and with what, to draw."""

    width: int
    color: bool
    glyphs: Glyphs

    def paint(self, words: str, style: str) -> str:
        return f"\033[{ANSI[style]}m{words}\033[0m" if self.color and words.strip() else words

    def literal(self, words: str) -> str:
        """What user code named, harmless, and in ASCII where the rest is."""
        words = harmless(words)
        plain = self.glyphs is PLAIN
        return words.encode("ascii", "backslashreplace").decode() if plain else words


def _wants_color() -> bool:
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def _is_plain() -> bool:
    try:
        "".join(["░█▶┊│▒╌━╍─●◆▲✓✗■○▷−µ…·"]).encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _request(timeline: Timeline, pen: Pen) -> Iterator[str]:
    scene = arrange(timeline, lanes="task")
    room = Room(scene, pen)
    yield pen.paint(fit(pen.literal(timeline.title), pen.width), "bold")
    yield room.heading()
    for lane in range(len(scene.lanes)):
        if scene.lanes[lane].kind != "loop":
            yield room.row(lane)
    yield room.axis()


class Room:
    """The columns of one request's picture."""

    def __init__(self, scene: Scene, pen: Pen) -> None:
        self.scene = scene
        self.pen = pen
        self.timeline = scene.groups[0].timeline
        self.names = [pen.literal(lane.label) for lane in scene.lanes]
        self.name_width = min(
            max(len(task.name) for task in self.timeline.tasks) if self.timeline.tasks else 7,
            pen.width // 4,
        )
        self.bar_width = pen.width - self.name_width - 3 - 22

    def cell(self, at: int) -> int:
        span = max(self.scene.end - self.scene.start, 1)
        return min((at - self.scene.start) * self.bar_width // span, self.bar_width - 1)

    def heading(self) -> str:
        return ""

    def row(self, lane: int) -> str:
        cells = [" "] * self.bar_width
        for mark in self.scene.marks:
            cells[self.cell(mark.at)] = getattr(self.pen.glyphs, mark.kind)
        bars = [bar for bar in self.scene.bars if bar.lane == lane]
        for bar in bars:
            char = self.pen.glyphs.phases.get(bar.kind) or getattr(self.pen.glyphs, bar.kind)
            for cell in range(self.cell(bar.start), self.cell(bar.end) + 1):
                cells[cell] = char
        kind = self.scene.lanes[lane]
        name = kind.kind if kind.mode is None else self.names[lane]
        shape = self.pen.glyphs.shapes[kind.mode] if kind.mode else " "
        took = duration(
            bars[-1].end - bars[0].start if kind.mode is None else bars[-1].end - bars[-1].start
        )
        name = fit(name, self.name_width).ljust(self.name_width)
        return f"{shape} {name} {''.join(cells)} {took:>9}".rstrip()

    def axis(self) -> str:
        return ""


def fit(words: str, width: int) -> str:
    return words if len(words) <= width else words[: width - 1] + "…"
