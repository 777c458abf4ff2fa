"""See when background tasks really run: timelines as figures, text, pages and traces."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visualize.figure import plot as plot
    from visualize.figure import to_png as to_png
    from visualize.figure import to_svg as to_svg
    from visualize.terminal import text as text

# Each name is imported when it is first used, so that text needs no matplotlib.
_HOMES = {
    "plot": "figure",
    "to_png": "figure",
    "to_svg": "figure",
    "text": "terminal",
}

__all__ = ["plot", "text", "to_png", "to_svg"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
