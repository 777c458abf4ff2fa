"""Timelines as lanes, bars, marks, signs and arrows: plain data, for any painter."""

from __future__ import annotations

from .arranging import Align, Lanes, Recording, arrange, arrange_all, listed, one_of
from .beneath import Spans
from .scene import Arrow, Bar, BarKind, Group, Lane, LaneKind, Mark, Scene, Sign

__all__ = [
    "Align",
    "Arrow",
    "Bar",
    "BarKind",
    "Group",
    "Lane",
    "LaneKind",
    "Lanes",
    "Mark",
    "Recording",
    "Scene",
    "Sign",
    "Spans",
    "arrange",
    "arrange_all",
    "listed",
    "one_of",
]
