"""A page that shows the requests of a running app as they happen."""

from __future__ import annotations

from .mounting import mount

__all__ = ["mount"]
