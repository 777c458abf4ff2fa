"""Colours, hatches and shapes, as plain data that every painter shares.

The modes wear Okabe–Ito hues: vermillion, blue and bluish green, and those that are not ours
reddish purple and orange (Okabe and Ito 2008, "Color Universal Design"). Their lightness is moved
per theme, so that each stands out from the background by 3 : 1 or more and our three stay apart in
grey: the later a mode releases its task, the further it is from the background. Shape and hatch
say the same again without colour. What held the event loop is yellow, what failed is red: one is
never taken for the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from fastapi_tasks.timeline import MODES, Mode
from visualize.layout import BarKind

ThemeName = Literal["light", "dark"]
Palette: TypeAlias = Mapping[str, str]
Shape = Literal["circle", "diamond", "triangle", "wedge", "star"]

COLORS: dict[ThemeName, dict[str, str]] = {
    "light": {
        "paper": "#ffffff",
        "text": "#1c2128",
        "muted": "#59636e",
        "grid": "#e9ecef",
        "arrow": "#8b949e",
        "immediate": "#e86d18",
        "after_route": "#0072b2",
        "after_response": "#04513a",
        "background": "#5b1260",
        "spawned": "#824a00",
        "span": "#4f7396",
        "endpoint": "#3d444d",
        "phase": "#7d8590",
        "busy": "#a8850a",
        "band": "#fbf4dc",
        "error": "#b3123a",
    },
    "dark": {
        "paper": "#14181f",
        "text": "#e8ebef",
        "muted": "#a3adb8",
        "grid": "#262c36",
        "arrow": "#768390",
        "immediate": "#fe8d47",
        "after_route": "#3286c8",
        "after_response": "#71edbd",
        "background": "#bc839f",
        "spawned": "#a75813",
        "span": "#8fb0cf",
        "endpoint": "#d0d7de",
        "phase": "#8b949e",
        "busy": "#e8c547",
        "band": "#2a2516",
        "error": "#ff6b81",
    },
}

SHAPES: dict[Mode, Shape] = {
    "immediate": "circle",
    "after_route": "diamond",
    "after_response": "triangle",
    "background": "wedge",
    "spawned": "star",
}

GLYPHS: dict[Mode, str] = {
    "immediate": "●",
    "after_route": "◆",
    "after_response": "▲",
    "background": "▼",
    "spawned": "★",
}
"""The same shapes, as characters."""

HATCHES: dict[Mode, str] = {
    "immediate": "/",
    "after_route": "\\",
    "after_response": "-",
    "background": "|",
    "spawned": ".",
}
"""Matplotlib's letter for the lines of each mode; repeated, they are denser."""

PALE, STRONG = 2, 6
"""How dense the hatch is of what a mode holds back, and of what is late."""


class Look(NamedTuple):
    """How a kind of bar looks: colours, and matplotlib's letters for a hatch.

    `lines` is the colour of the hatch, that of the edge where it is None.
    """

    fill: str
    edge: str
    hatch: str | None = None
    lines: str | None = None


def looks(palette: Palette) -> dict[tuple[BarKind, Mode | None], Look]:
    """Return the look of every kind of bar, by its kind and mode."""
    pale = Look(blend(palette["phase"], palette["paper"], 0.18), palette["phase"])
    solid = Look(palette["phase"], palette["phase"])
    endpoint = Look(palette["endpoint"], palette["endpoint"])
    tasks = {
        (kind, mode): look for mode in MODES for kind, look in _task_looks(mode, palette).items()
    }
    return tasks | {
        ("before", None): pale,
        ("endpoint", None): endpoint,
        ("handling", None): endpoint,
        ("sending", None): solid,
        ("after", None): pale,
        ("waiting", None): pale,
        ("receiving", None): solid,
        ("span", None): Look(blend(palette["span"], palette["paper"], 0.1), palette["span"]),
        ("busy", None): Look(palette["busy"], palette["busy"]),
    }


def _task_looks(mode: Mode, palette: Palette) -> dict[BarKind, Look]:
    color = palette[mode]
    pale, tint, lines = (blend(color, palette["paper"], share) for share in (0.04, 0.13, 0.5))
    return {
        "held": Look(pale, color, PALE * HATCHES[mode], lines),
        "wait": Look(tint, color, STRONG * HATCHES[mode]),
        "run": Look(color, color),
    }


def luminance(color: str) -> float:
    """Return the relative luminance of a `#rrggbb` colour, from 0 to 1, as WCAG defines it."""
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the WCAG contrast ratio of two colours, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def ink(fill: str) -> str:
    """Return the colour of text that reads best on `fill`."""
    return max(("#ffffff", "#10141a"), key=lambda color: contrast(color, fill))


def readable(color: str, palette: Palette) -> str:
    """Return a colour as near to `color` as small text in it may be: 4.5 : 1 on the background."""
    shares = (share / 20 for share in range(20, -1, -1))
    mixed = (blend(color, palette["text"], share) for share in shares)
    return next(mix for mix in mixed if contrast(mix, palette["paper"]) >= 4.5)


def blend(color: str, background: str, share: float) -> str:
    """Return `background` with `share` (0 to 1) of `color` laid over it."""
    pairs = ((int(color[at : at + 2], 16), int(background[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(c * share + b * (1 - share)):02x}" for c, b in pairs)
