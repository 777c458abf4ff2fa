"""How a page looks and what it is made of, as a module of the viewer's scripts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache

from fastapi_tasks.timeline import MODES
from visualize.joining import source
from visualize.theme import COLORS, ink

INKED = (*MODES, "endpoint", "busy")
"""The fills that text stands on."""

_NOTE = re.compile(r"/\*.*?\*/", re.DOTALL)
_AIR = re.compile(r"\s*([{};,])\s*|(?<=\w)(:) ")
"""The spaces that mean nothing; one before a colon or around a sign may."""


def sheet() -> str:
    """Return `sheet.js` with the style and the markup of a page in it.

    Both travel with the code: what is compressed together repeats less.
    """
    told = {"STYLE": style(), "MARKUP": markup()}
    return "".join(
        f"export const {name} = {json.dumps(text, ensure_ascii=False)};\n"
        for name, text in told.items()
    )


@cache
def style() -> str:
    """Return the looks, and the colours of each theme as custom properties."""
    css = _NOTE.sub("", source("page.css"))
    return "".join(_theme(*theme) for theme in COLORS.items()) + _AIR.sub(r"\1\2", css).strip()


@cache
def markup() -> str:
    """Return what stands in a page, which knows the actions and parts that the modules name."""
    return "".join(line.strip() for line in source("page.html").splitlines())


def _theme(name: str, colors: Mapping[str, str]) -> str:
    inks = {f"ink-{name}": ink(colors[name]) for name in INKED}
    tokens = "".join(f"--{token}:{color};" for token, color in {**colors, **inks}.items())
    return f"[data-theme={name}]{{color-scheme:{name};{tokens}}}\n"
