"""What `plot` and `compare` give in a browser, where no matplotlib is: the page in a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visualize.layout import Align, Recording
from visualize.notebook import Shown, show


def plot(timelines: Recording, *, align: Align = "request_start", **_: Any) -> Shown:
    """Show timelines as an interactive page in place of axes; other options have no effect."""
    # A figure of several requests has one clock, which begins at the first.
    return show(timelines, align=None if align == "request_start" else align)


def compare(panels: Mapping[str, Recording], *, align: Align = "request_start", **_: Any) -> Shown:
    """Show each panel under its label, in one interactive page in place of a figure."""
    return show(panels, align=align)
