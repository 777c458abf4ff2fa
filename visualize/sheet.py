"""How a page looks and what it is made of, as a module of the viewer's scripts."""

from __future__ import annotations

import json
import re
from functools import cache

from visualize.joining import source

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
    """Return the looks, whose colours are custom properties of the themes."""
    return _AIR.sub(r"\1\2", _NOTE.sub("", source("page.css"))).strip()


@cache
def markup() -> str:
    """Return what stands in a page, which knows the actions and parts that the modules name."""
    return "".join(line.strip() for line in source("page.html").splitlines())
