"""Every form in which timelines can be had: what the API, the command line and the docs offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visualize.layout import Align, Recording


@dataclass(frozen=True, slots=True)
class Painter:
    """One form. `function`, in the module `home` of this package, is what the API calls it.

    `words` say what it is, `ending` is that of its files. A `figure` is drawn first, and then
    written by the function. One that `compares` also draws several recordings side by side.
    """

    form: str
    words: str
    ending: str
    home: str
    function: str
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
    Painter("html", "an interactive page, in one file", ".html", "page", "to_html", compares=True),
    Painter("png", "a picture", ".png", "figure", "to_png", figure=True, compares=True),
    Painter("svg", "a picture to scale", ".svg", "figure", "to_svg", figure=True, compares=True),
    Painter("perfetto", "a trace for ui.perfetto.dev", ".perfetto.json", "perfetto", "to_perfetto"),
    Painter("mermaid", "a chart for Markdown, as GitHub draws it", ".mmd", "mermaid", "to_mermaid"),
)
"""All of them but text, which a terminal shows without a file."""


def _function(home: str, name: str) -> Callable[..., Any]:
    # Only what is asked for is imported: a page needs no matplotlib.
    function: Callable[..., Any] = getattr(import_module(f"visualize.{home}"), name)
    return function
