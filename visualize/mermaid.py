"""Timelines as a Mermaid gantt chart, which GitHub draws in a comment or a README."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastapi_tasks import harmless
from fastapi_tasks.timeline import Outcome
from visualize.layout import Bar, Lane, Recording, Scene, arrange, listed
from visualize.signs import CHART_HEAD
from visualize.theme import GLYPHS
from visualize.words import MARK_WORDS, MS, PART_WORDS, PHASE_WORDS, US, S, count, duration, ticks

MOST = 45_000
"""Characters: GitHub refuses a chart of more than 50,000."""

VISIBLE = 100
"""A bar that is shorter than one in so many of the whole picture has no row: its time is said."""

OUTCOMES: dict[Outcome | None, str] = {"ok": "✓", None: "still running"}
LOOKS = {"held": "done", "wait": "active", "run": "", "busy": "active, crit"}
"""How Mermaid is told to draw: `done` is grey, `active` is pale, `crit` is red, as failures are;
of the two together only the border is red."""

UNITS = ((S, "s"), (MS, "ms"), (US, "µs"))
SPECIAL = re.compile(r"[#;:%<>&\\`\"]")


def to_mermaid(timelines: Recording) -> str:
    """Return a chart with a section for each request, and a row for each part that took time.

    If a recording is too long for GitHub, its first requests are drawn, and a comment counts the
    others.
    """
    given = sorted(listed(timelines), key=lambda one: (one.process, one.request_start))
    scene = arrange(given, lanes="task", spans="counted")
    chart = _Chart(scene)
    lines = chart.head()
    size = sum(map(len, lines))
    for number, group in enumerate(scene.groups):
        section = [f"  section {_escaped(group.timeline.title)}", *chart.section(number)]
        size += sum(len(line) + 1 for line in section)
        if number and size > MOST:
            more = count(len(scene.groups) - number, "more request")
            lines.append(f"  %% {more}: a chart holds no more than GitHub draws")
            break
        lines += section
    return "\n".join(lines) + "\n"


class _Chart:
    """A scene in whole numbers: a thousandth of the unit in which its axis counts."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._length = max(scene.end - scene.start, 1)
        self._factor, self._unit = next((u for u in UNITS if u[0] <= self._length), UNITS[-1])

    def head(self) -> list[str]:
        steps = ticks(0, self._length, 8)
        step = steps[1] if len(steps) > 1 else self._length
        return [
            *CHART_HEAD.splitlines(),
            "  dateFormat x",
            f"  axisFormat %s {self._unit}",
            f"  tickInterval {max(self._at(step), 1)}millisecond",
        ]

    def section(self, request: int) -> Iterator[str]:
        """The rows of one request."""
        for mark in self._scene.marks:
            if mark.request == request:
                at = self._at(mark.at - self._scene.start)
                yield f"  {MARK_WORDS[mark.kind]} :milestone, {at}, {at}"
        for bar in self._scene.bars:
            lane = self._scene.lanes[bar.lane]
            if bar.request == request and (bar.kind == "run" or self._seen(bar)):
                yield self._row(lane, bar)

    def _seen(self, bar: Bar) -> bool:
        return (bar.end - bar.start) * VISIBLE >= self._length

    def _row(self, lane: Lane, bar: Bar) -> str:
        start = self._at(bar.start - self._scene.start)
        end = max(self._at(bar.end - self._scene.start), start + 1)
        look = LOOKS.get(bar.kind, "done")
        words = f"{self._words(lane, bar)} {duration(abs(bar.end - bar.start))}"
        if bar.kind == "run":
            outcome = self._outcome(lane)
            words += f" {OUTCOMES.get(outcome, outcome)}"
            look = look if outcome in ("ok", None) else "crit"
        return f"  {_escaped(words)} :{look}{', ' if look else ''}{start}, {end}"

    def _words(self, lane: Lane, bar: Bar) -> str:
        if bar.kind == "busy":
            return f"◼ {bar.label} holds the event loop,"
        if lane.mode is None:
            who = "client " if lane.kind == "client" else ""
            return who + PHASE_WORDS.get(bar.kind, bar.kind)
        # A row that begins with a sign is never a keyword.
        return f"{GLYPHS[lane.mode]} {PART_WORDS[bar.kind].format(lane.label)}"

    def _outcome(self, lane: Lane) -> Outcome | None:
        timeline = self._scene.groups[lane.request or 0].timeline
        return timeline.tasks[lane.task or 0].outcome

    def _at(self, nanoseconds: int) -> int:
        return nanoseconds * 1_000 // self._factor


def _escaped(words: str) -> str:
    """Words in which nothing has a meaning for Mermaid."""
    return SPECIAL.sub(lambda found: f"#{ord(found[0])};", harmless(words))
