"""Timelines as text."""

from __future__ import annotations

from .writing import text

__all__ = ["text"]
