"""Timelines as lanes, bars, marks, signs and arrows: plain data, for any painter."""

from __future__ import annotations

from .arranging import Align, Lanes, Recording, arrange, arrange_all, listed, one_of
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
    "Recording",
    "Scene",
    "Sign",
    "arrange",
    "arrange_all",
    "listed",
    "one_of",
]
