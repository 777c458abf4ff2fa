"""What a page is made of: its scripts, which bring style and markup, as they were built."""

from __future__ import annotations

import zlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from visualize.joining import joined, source
from visualize.sheet import sheet

SCRIPTS = ("file", "compared", "timeline", "later", "unpack")
"""The modules that a page begins with, one for each form of it; `unpack` runs what is packed.

`timeline` is that of a running app, which has `later` brought when its first picture is there.
"""

ASSETS = tuple(f"{script}.js" for script in SCRIPTS)
"""What there is to carry."""

BUILT = Path(__file__).with_name("viewer") / "built"
"""Where a wheel has its assets, shortened and deflated; a checkout carries them as they read."""


@cache
def asset(name: str) -> str:
    """Return what a page carries of this name: a script with all that it imports."""
    built = BUILT / f"{name}.deflate"
    if built.is_file():
        return zlib.decompress(built.read_bytes(), -zlib.MAX_WBITS).decode()
    return _script(name)


@cache
def packed(name: str) -> bytes:
    """Return the same as a raw deflate stream."""
    built = BUILT / f"{name}.deflate"
    return built.read_bytes() if built.is_file() else deflated(asset(name).encode(), 9)


def shortened(name: str) -> bytes:
    """Return the same in as few bytes as a minifier and zopfli make of it.

    The build of a wheel brings both. Raises ImportError without tdewolff-minify; without zopfli
    the stream is zlib's, 4 in 100 longer.
    """
    import minify

    short = minify.string("application/javascript", _script(name)).encode()
    if find_spec("zopfli") is None:
        return deflated(short, 9)
    import zopfli.zlib

    stream: bytes = zopfli.zlib.compress(short)
    return stream[2:-4]  # without zlib's head and checksum


def deflated(data: bytes, level: int) -> bytes:
    """Return data as a raw deflate stream."""
    deflate = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush()


def _script(name: str) -> str:
    return joined(Path(name).stem, _read)


def _read(file: str) -> str:
    return sheet() if file == "sheet.js" else source(file)
