"""Draw a request as a picture that moves: its bars grow as they did, ninety times slower.

SVG and CSS alone, in the page itself, so that it takes the colours of the page. It begins with the
last moment, so that the first look sees all of it; who asks for less motion sees that one alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from fastapi_tasks import TaskRecord, Timeline
from visualize.theme import COLORS, GLYPHS
from visualize.words import tick_labels, ticks

SLOWER = 90
REST = 2.5


@dataclass(frozen=True)
class Size:
    """Where things are: names left of the bars or, on a narrow screen, above them."""

    name: str
    left: int
    width: int
    row: int
    drop: int


WIDE = Size("wide", left=170, width=700, row=30, drop=0)
NARROW = Size("narrow", left=8, width=344, row=44, drop=18)
TOP, THICK = 46, 16


def moving(timeline: Timeline) -> str:
    """Return the picture of one request and its tasks, once for each kind of screen."""
    both = (line for size in (WIDE, NARROW) for line in _Picture(timeline, size).lines())
    return "\n".join([f'<div class="moving"><style>{_STYLE}</style>', *both, "</div>"])


class _Picture:
    def __init__(self, timeline: Timeline, size: Size) -> None:
        self.timeline, self.size = timeline, size
        self.start, self.end = timeline.request_start, timeline.last
        self.moves = (self.end - self.start) / 1e9 * SLOWER
        self.cycle = self.moves + REST
        self.frames: list[str] = []

    def lines(self) -> Iterator[str]:
        timeline = self.timeline
        rows = sorted(timeline.tasks, key=lambda task: (task.released or 0, task.requested))
        size, bottom = self.size, TOP + self.size.row * (len(rows) + 1) + 6
        body = [*self._moments(bottom), *self._cursor(bottom), *self._request()]
        body += [line for number, task in enumerate(rows) for line in self._task(number, task)]
        body += self._legend(bottom + 50)
        label = f"{timeline.title}: its response is sent, and {len(rows)} tasks start and end"
        across, down = size.left + size.width + 24, bottom + (82 if size.drop else 60)
        yield f'<svg class="{size.name}" viewBox="0 0 {across} {down}" role="img"'
        yield f' aria-label="{escape(label, quote=True)}" xmlns="http://www.w3.org/2000/svg">'
        yield f"<style>{''.join(self.frames)}</style>"
        yield from body
        yield "</svg>"

    def _x(self, moment: int) -> float:
        share = (moment - self.start) / (self.end - self.start)
        return self.size.left + share * self.size.width

    def _at(self, moment: int) -> float:
        """Return when a moment is reached, in per cent of the cycle."""
        share = (moment - self.start) / (self.end - self.start)
        return max(0.0, 100 * share * self.moves / self.cycle)

    def _plays(self, name: str) -> str:
        return f"animation:{name} {self.cycle:.2f}s linear -{self.moves:.2f}s infinite"

    def _bar(self, kind: str, begun: int, ended: int, y: float) -> str:
        name = f"{self.size.name}{len(self.frames)}"
        at, until = self._at(begun), max(self._at(ended), self._at(begun) + 0.01)
        width = max(1.5, self._x(ended) - self._x(begun))
        self.frames.append(
            f"@keyframes {name}{{0%,{at:.2f}%{{width:0}}{until:.2f}%,100%{{width:{width:.1f}px}}}}"
        )
        return (
            f'<rect class="{kind}" x="{self._x(begun):.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{THICK}" style="{self._plays(name)}"/>'
        )

    def _request(self) -> Iterator[str]:
        t = self.timeline
        assert t.response_sent is not None
        y = float(TOP + self.size.drop)
        yield self._name(f"{t.method} {t.path}", y)
        yield self._bar("request", t.request_start, t.response_sent, y)

    def _task(self, number: int, task: TaskRecord) -> Iterator[str]:
        y = float(TOP + self.size.drop + self.size.row * (number + 1))
        yield self._name(task.name, y)
        if task.released is None or task.started is None or task.finished is None:
            return
        yield self._bar(f"{task.mode} held", task.requested, task.released, y)
        yield self._bar(f"{task.mode} waits", task.released, task.started, y)
        yield self._bar(f"{task.mode} runs", task.started, task.finished, y)
        if task.outcome == "error":
            yield self._sign("✗", self._x(task.finished) + 4, y + 13, task.finished)

    def _name(self, name: str, y: float) -> str:
        x, y = (self.size.left, y - 5) if self.size.drop else (self.size.left - 12, y + 13)
        return f'<text class="name" x="{x}" y="{y}">{escape(name)}</text>'

    def _legend(self, y: float) -> Iterator[str]:
        found = {task.mode for task in self.timeline.tasks}
        modes = [mode for mode in GLYPHS if mode in found]
        across = 2 if self.size.drop else len(modes)
        for number, mode in enumerate(modes):
            x = self.size.left + number % across * self.size.width / across
            line = y + number // across * 20
            yield f'<text class="legend" x="{x:.0f}" y="{line}">'
            yield f'<tspan class="{mode}">{GLYPHS[mode]}</tspan>'
            yield f" {mode}</text>"

    def _sign(self, sign: str, x: float, y: float, moment: int) -> str:
        name = f"{self.size.name}{len(self.frames)}"
        at = self._at(moment)
        self.frames.append(
            f"@keyframes {name}{{0%,{at:.2f}%{{opacity:0}}{at + 0.01:.2f}%,100%{{opacity:1}}}}"
        )
        return (
            f'<text class="sign" x="{x:.1f}" y="{y:.1f}" style="{self._plays(name)}">{sign}</text>'
        )

    def _moments(self, bottom: float) -> Iterator[str]:
        t = self.timeline
        if t.endpoint_end is not None and t.response_sent is not None:
            x = self._x(t.response_sent)
            yield f'<line class="moment" x1="{x:.1f}" x2="{x:.1f}" y1="30" y2="{bottom}"/>'
            yield self._sign("response sent", x + 6, 24, t.response_sent)
        moments = ticks(0, self.end - self.start, 4 if self.size.drop else 6)
        for moment, words in zip(moments, tick_labels(moments), strict=True):
            x, side = self._x(self.start + moment), "middle" if moment else "start"
            yield f'<text class="tick" style="text-anchor:{side}" x="{x:.1f}" y="{bottom + 22}">'
            yield f"{words}</text>"

    def _cursor(self, bottom: float) -> Iterator[str]:
        until = 100 * self.moves / self.cycle
        self.frames.append(
            f"@keyframes {self.size.name}now{{0%{{transform:translateX(0)}}"
            f"{until:.2f}%,100%{{transform:translateX({self.size.width}px)}}}}"
        )
        yield (
            f'<line class="now" x1="{self.size.left}" x2="{self.size.left}" y1="30" y2="{bottom}" '
            f'style="{self._plays(f"{self.size.name}now")}"/>'
        )


def _colors(theme: str) -> str:
    names = (*GLYPHS, "text", "muted", "endpoint", "error")
    palette = COLORS["dark" if theme == "dark" else "light"]
    return "".join(f"--m-{name.replace('_', '-')}:{palette[name]};" for name in names)


_STYLE = (
    f".moving{{{_colors('light')}font:13px system-ui,sans-serif}}"
    ".moving svg{width:100%;height:auto}"
    "@media(max-width:600px){.moving .wide{display:none}}"
    "@media(min-width:600.1px){.moving .narrow{display:none}}"
    "@media(prefers-color-scheme:dark){body:not([data-theme=light]) "
    f".moving{{{_colors('dark')}}}}}"
    f"body[data-theme=dark] .moving{{{_colors('dark')}}}"
    ".moving text{fill:var(--m-text)}.moving .wide .name{text-anchor:end}"
    ".moving .name{paint-order:stroke;stroke:var(--color-background-primary);stroke-width:4px}"
    ".moving .legend{font-size:12px}"
    ".moving .tick{fill:var(--m-muted);font-size:12px}"
    ".moving .request{fill:var(--m-endpoint)}"
    + "".join(f".moving .{mode}{{fill:var(--m-{mode.replace('_', '-')})}}" for mode in GLYPHS)
    + ".moving .held{opacity:.22}.moving .waits{opacity:.5}"
    ".moving .moment{stroke:var(--m-muted);stroke-dasharray:3 3}"
    ".moving .now{stroke:var(--m-error);stroke-width:1.5}"
    ".moving .sign{fill:var(--m-text);font-weight:600}"
    "@media(prefers-reduced-motion:reduce){.moving *{animation:none!important}}"
)
