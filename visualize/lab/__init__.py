"""Run an app on a real server, and watch its requests from both ends."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bench import Lab, SyncLab
    from .browser import NotInBrowserError
    from .errors import LabError
    from .exercise import beside, verdict
    from .modes import compare_modes, compare_modes_async
    from .serving import Serving, serve, start
    from .witness import lay_over, moments

# Each name is imported when it is first used: a server alone needs no client.
_HOMES = {
    "Lab": "bench",
    "LabError": "errors",
    "NotInBrowserError": "browser",
    "Serving": "serving",
    "SyncLab": "bench",
    "beside": "exercise",
    "compare_modes": "modes",
    "compare_modes_async": "modes",
    "lay_over": "witness",
    "moments": "witness",
    "serve": "serving",
    "start": "serving",
    "verdict": "exercise",
}

__all__ = [
    "Lab",
    "LabError",
    "NotInBrowserError",
    "Serving",
    "SyncLab",
    "beside",
    "compare_modes",
    "compare_modes_async",
    "lay_over",
    "moments",
    "serve",
    "start",
    "verdict",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
