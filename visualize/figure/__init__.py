"""Timelines as matplotlib figures."""

from __future__ import annotations

from .plotting import TimelineAxes, TimelineFigure, compare, plot, to_png, to_svg

__all__ = ["TimelineAxes", "TimelineFigure", "compare", "plot", "to_png", "to_svg"]
