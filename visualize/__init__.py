"""See when background tasks really run: timelines as figures, text, pages and traces."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from visualize.painters import PAINTERS

if TYPE_CHECKING:
    from fastapi_tasks import __version__ as __version__
    from visualize.answers.difference import difference
    from visualize.answers.filter import parse, select
    from visualize.answers.findings import explain
    from visualize.answers.summary import summary
    from visualize.figure import compare, plot, to_png, to_svg
    from visualize.mermaid import to_mermaid
    from visualize.notebook import show
    from visualize.page import to_html
    from visualize.perfetto import to_perfetto
    from visualize.terminal import text
    from visualize.units import ms, s, us

# Each name is imported when it is first used: text needs no matplotlib, and a page no more.
_HOMES = {
    "compare": "figure",
    "difference": "answers.difference",
    "explain": "answers.findings",
    "ms": "units",
    "parse": "answers.filter",
    "plot": "figure",
    "s": "units",
    "select": "answers.filter",
    "show": "notebook",
    "summary": "answers.summary",
    "text": "terminal",
    "us": "units",
    **{painter.function: painter.home for painter in PAINTERS},
}

__all__ = [
    "compare",
    "difference",
    "explain",
    "ms",
    "parse",
    "plot",
    "s",
    "select",
    "show",
    "summary",
    "text",
    "to_html",
    "to_mermaid",
    "to_perfetto",
    "to_png",
    "to_svg",
    "us",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("fastapi_tasks").__version__
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    if home == "figure" and not import_module(f"{__name__}.notebook").PICTURES:
        home = "framed"
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
