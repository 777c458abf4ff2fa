"""Timelines as matplotlib figures."""

from __future__ import annotations

from .pictures import TimelineAxes, TimelineFigure, to_png, to_svg
from .plotting import compare, plot

__all__ = ["TimelineAxes", "TimelineFigure", "compare", "plot", "to_png", "to_svg"]
