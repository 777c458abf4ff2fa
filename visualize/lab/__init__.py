"""Run an app on a real server, and watch its requests from both ends."""

from __future__ import annotations

from .bench import Lab, SyncLab
from .errors import LabError
from .modes import compare_modes
from .serving import Serving, serve, start

__all__ = ["Lab", "LabError", "Serving", "SyncLab", "compare_modes", "serve", "start"]
