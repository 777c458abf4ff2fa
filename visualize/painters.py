"""Every form in which timelines can be had: what the API, the command line and the docs offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from visualize.signs import CHART_HEAD, GENERATOR, MAKER, TRACE_HEAD

if TYPE_CHECKING:
    from visualize.layout import Align, Recording


@dataclass(frozen=True, slots=True)
class Painter:
    """One form. `function`, in the module `home` of this package, is what the API calls it.

    A file of it is a `kind` of thing, described in `words`, with an `ending`; `sign` stands near
    its beginning, and in no file of anybody else's. A `figure` is drawn first, and then written by
    the function. One that `compares` also draws several recordings side by side.
    """

    form: str
    kind: str
    words: str
    ending: str
    home: str
    function: str
    sign: bytes
    figure: bool = False
    compares: bool = False

    def paint(self, timelines: Recording) -> bytes:
        """Return the content of a file that shows these timelines."""
        if self.figure:
            return self._written(_function("figure", "plot")(timelines))
        return self._written(timelines)

    def paint_beside(self, panels: Mapping[str, Recording], align: Align) -> bytes:
        """Return the content of a file that shows several recordings, by label, on one axis."""
        if self.figure:
            return self._written(_function("figure", "compare")(panels, align=align))
        return self._written(panels, align=align)

    def _written(self, *given: object, **options: object) -> bytes:
        made: str | bytes = _function(self.home, self.function)(*given, **options)
        return made.encode() if isinstance(made, str) else made


PAINTERS = (
    Painter(
        "html", "page", "an interactive page, in one file", ".html",
        "page", "to_html", GENERATOR.encode(), compares=True,
    ),
    Painter(
        "png", "picture", "a picture", ".png",
        "figure", "to_png", MAKER.encode(), figure=True, compares=True,
    ),
    Painter(
        "svg", "picture", "a picture to scale", ".svg",
        "figure", "to_svg", MAKER.encode(), figure=True, compares=True,
    ),
    Painter(
        "perfetto", "trace", "a trace for ui.perfetto.dev", ".perfetto.json",
        "perfetto", "to_perfetto", TRACE_HEAD.encode(),
    ),
    Painter(
        "mermaid", "chart", "a chart for Markdown, as GitHub draws it", ".mmd",
        "mermaid", "to_mermaid", CHART_HEAD.encode(),
    ),
)  # fmt: skip
"""All of them but text, which a terminal shows without a file."""


def painter_of(form: str) -> Painter:
    """Return the painter of a form that exists."""
    return next(painter for painter in PAINTERS if painter.form == form)


def _function(home: str, name: str) -> Callable[..., Any]:
    # Only what is asked for is imported: a page needs no matplotlib.
    function: Callable[..., Any] = getattr(import_module(f"visualize.{home}"), name)
    return function
