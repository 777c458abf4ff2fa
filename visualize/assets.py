"""What a page is made of: its scripts, its style and its markup, as short as they were built."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from visualize.joining import joined, source

SCRIPTS = ("file", "compared", "timeline", "later", "unpack")
"""The modules that a page begins with, one for each form of it; `unpack` runs what is packed.

`timeline` is that of a running app, which has `later` brought when its first picture is there.
"""

ASSETS = (*(f"{script}.js" for script in SCRIPTS), "page.css", "page.html")
"""What there is to carry."""

BUILT = Path(__file__).with_name("viewer") / "built"
"""Where a wheel has its assets, shortened; a checkout has none, and carries them as they read."""

_KINDS = {".js": "application/javascript", ".css": "text/css"}


@cache
def asset(name: str) -> str:
    """Return what a page carries of this name: a script with all that it imports, or a file."""
    built = BUILT / name
    if built.is_file():
        return built.read_text("utf-8")
    if name.endswith(".js"):
        return joined(name.removesuffix(".js"))
    return source(name).replace("\t", "")


def shortened(name: str) -> str:
    """Return an asset in as few bytes as a minifier makes of it.

    Raises ImportError without tdewolff-minify, which the build of a wheel brings.
    """
    import minify

    kind = _KINDS.get(Path(name).suffix)
    short: str = minify.string(kind, asset(name)) if kind else asset(name)
    return short
