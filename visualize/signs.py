"""What tells our pictures from those of others."""

from __future__ import annotations

MAKER = "fastapi-tasks-timeline"
"""Stands in each picture."""
