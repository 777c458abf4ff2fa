"""Text that the fonts at hand can show."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, get_font

from fastapi_tasks import harmless

STAND_INS = "□?"
"""What stands for a character that no font has: the box that most fonts would draw, or less."""


def legible(words: str, weight: str = "normal") -> str:
    """Return `words` on one line, with a box for each character that the current fonts lack.

    Without it, matplotlib draws such a box too, and warns, which fails where warnings are errors.
    """
    words = harmless(words)
    if words.isascii():
        return words
    known = [_characters(path) for path in _paths(weight)]
    stand_in = next((c for c in STAND_INS if any(ord(c) in font for font in known)), "")
    return "".join(c if any(ord(c) in font for font in known) else stand_in for c in words)


def _paths(weight: str) -> Sequence[str]:
    """The font files that matplotlib looks into, in its order, for text of this weight."""
    paths = []
    for family in FontProperties().get_family():
        one = FontProperties(family=family, weight=weight)
        try:
            paths.append(findfont(one, fallback_to_default=False))
        except ValueError:
            continue
    return paths or [findfont(FontProperties(weight=weight))]


@cache
def _characters(path: str) -> frozenset[int]:
    return frozenset(get_font(path).get_charmap())
