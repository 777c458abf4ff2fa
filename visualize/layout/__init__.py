"""Timelines as lanes, bars, marks, signs and arrows: plain data, for any painter."""

from __future__ import annotations

from .arranging import Align, Lanes, arrange, arrange_all
from .scene import Arrow, Bar, BarKind, Group, Lane, Mark, Scene, Sign

__all__ = [
    "Align",
    "Arrow",
    "Bar",
    "BarKind",
    "Group",
    "Lane",
    "Lanes",
    "Mark",
    "Scene",
    "Sign",
    "arrange",
    "arrange_all",
]
