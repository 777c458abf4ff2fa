"""Names that others chose, made harmless: the one place that does so."""

from __future__ import annotations

# Joins the parts of an emoji, or parts a word of a script that needs it; shows nothing by itself.
_JOINERS = "\u200c\u200d"


def harmless(text: str) -> str:
    r"""Return `text` on one line, without any control over a terminal, a log or a page.

    Whatever is not printable (line breaks, escapes, marks that turn the direction of the text,
    halves of a surrogate pair) is written as its escape: `\n`, `\x1b`, `\u202e`, `\udce9`.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _JOINERS else ascii(c)[1:-1] for c in text)


def name_of(kind: type) -> str:
    """Return the name of a class as it was given, whatever its metaclass answers, or raises."""
    name: str = type.__dict__["__name__"].__get__(kind)
    return name


def encodable(text: str) -> str:
    r"""Return `text` with each half of a surrogate pair as its escape, since UTF-8 has none."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
