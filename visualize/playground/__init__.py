"""Try the modes: change something, and see a real request with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .experiment import Experiment, Step

if TYPE_CHECKING:
    from .widgets import Playground as Playground
    from .widgets import playground as playground

__all__ = ["Experiment", "Playground", "Step", "playground"]


def __getattr__(name: str) -> Any:
    # The web page needs no ipywidgets.
    if name in ("Playground", "playground"):
        from . import widgets

        return getattr(widgets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
