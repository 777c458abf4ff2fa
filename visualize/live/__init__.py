"""A page that shows the requests of a running app as they happen."""

from __future__ import annotations

from .beside import Beside
from .mounting import mount
from .pages import LivePage

__all__ = ["Beside", "LivePage", "mount"]
