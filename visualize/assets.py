"""What a page is made of: its scripts, its style and its markup, as short as they were built."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from visualize.joining import joined, source

SCRIPTS = ("file", "compared", "timeline", "unpack")
"""The modules that a page begins with, one for each form of it; `unpack` runs what is packed."""


@cache
def asset(name: str) -> str:
    """Return what a page carries of this name: a script with all that it imports, or a file.

    A wheel brings them shortened; a checkout has them as they read.
    """
    built = files("visualize").joinpath("viewer", "built", name)
    if built.is_file():
        return built.read_text("utf-8")
    if name.endswith(".js"):
        return joined(name.removesuffix(".js"))
    return source(name).replace("\t", "")
