"""Timelines in notebooks: the interactive page in a frame, and for readers without it a picture."""

from __future__ import annotations

import html
import sys
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from fastapi_tasks.timeline import Timeline
from visualize.layout import Align as FigureAlign
from visualize.layout import Recording, listed
from visualize.page import Align, to_html
from visualize.words import count

CONTROLS, HEAD, ROW = 250, 60, 26
"""Pixels: what stands above the timeline, around each request, and for one bar."""
LEAST, MOST = 400, 720
PICTURES = sys.platform != "emscripten" or find_spec("matplotlib") is not None
"""Whether there can be one: in a browser, matplotlib mostly cannot be had."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Timelines as the output of a cell: a page to move about in, a picture, and text."""

    html: str
    png: bytes | None
    text: str

    def __repr__(self) -> str:
        return self.text

    def above(self, lines: str) -> Shown:
        """Return the same with lines of text below it."""
        written = f"{self.html}<pre>{html.escape(lines)}</pre>"
        return Shown(written, self.png, f"{self.text}\n{lines}")

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        picture = {} if self.png is None else {"image/png": b64encode(self.png).decode()}
        return {"text/html": self.html, **picture, "text/plain": self.text}


def show(
    timelines: Recording | Mapping[str, Recording],
    *,
    title: str | None = None,
    align: Align | None = None,
    height: int | None = None,
) -> Shown:
    """Return timelines as an output of a notebook, interactive wherever scripts may run.

    A mapping from labels to recordings compares them; `title` and `align` are those of `to_html`.
    `height` is in pixels, by default what the timelines need, within reason. The output shows the
    timelines as they were at the call. Raises ValueError for a height below 1.
    """
    if height is not None and height < 1:
        raise ValueError(f"height={height} leaves nothing to see: give pixels, such as 400")
    if not isinstance(timelines, Mapping):
        timelines = listed(timelines)
        panels = {"": timelines}
    else:
        timelines = panels = {label: listed(panel) for label, panel in timelines.items()}
    requests = [timeline for panel in panels.values() for timeline in panel]
    png = _picture(timelines, align)
    frame = _frame(to_html(timelines, title=title, align=align), height or _height(requests))
    # Where scripts run they hide what is in <noscript>. Of a notebook that it does not trust,
    # JupyterLab takes the frame away and leaves the picture.
    still = "" if png is None else f"<noscript>{_image(png, requests)}</noscript>"
    return Shown(frame + still, png, _text(panels))


def _frame(document: str, height: int) -> str:
    escaped = document.replace("&", "&amp;").replace("'", "&#39;")
    return (
        '<iframe title="Timeline" sandbox="allow-scripts allow-downloads" width="100%" '
        f'height="{height}" style="border: 0" srcdoc=\'{escaped}\'></iframe>'
    )


def _height(requests: list[Timeline]) -> int:
    bars = sum(3 + min(len(timeline.tasks), 12) for timeline in requests)
    return max(LEAST, min(MOST, CONTROLS + HEAD * len(requests) + ROW * bars))


def _picture(timelines: Recording | Mapping[str, Recording], align: Align | None) -> bytes | None:
    if not PICTURES:
        return None
    from visualize.figure import compare, plot, to_png

    # A figure's clock begins at its first request.
    zero: FigureAlign = "response_sent" if align == "response_sent" else "request_start"
    if isinstance(timelines, Mapping):
        return to_png(compare(timelines, align=zero))
    return to_png(plot(timelines, align=zero))


def _image(png: bytes, requests: list[Timeline]) -> str:
    tasks = sum(len(timeline.tasks) for timeline in requests)
    words = f"Timeline of {count(len(requests), 'request')} with {count(tasks, 'task')}"
    return f'<img alt="{html.escape(words)}" src="data:image/png;base64,{b64encode(png).decode()}">'


def _text(panels: Mapping[str, Recording]) -> str:
    from visualize.terminal import text

    written = {label: text(panel, width=100, color=False) for label, panel in panels.items()}
    return "\n".join(f"{label}\n{lines}" if label else lines for label, lines in written.items())
