"""Open a page where somebody can see it."""

from __future__ import annotations

import os
import sys
import webbrowser


def has_display() -> bool:
    """Tell whether this process can open windows."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_page(url: str) -> None:
    """Open a URL in the user's browser, if there is a display to see it on."""
    if has_display():
        webbrowser.open(url)
