"""Pages as an installed wheel makes them: with the short form of their assets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from visualize import assets, page


@contextmanager
def short_assets() -> Iterator[bool]:
    """Have pages carry what a wheel brings; tell whether the minifier that it takes is here."""
    before = assets.BUILT
    if find_spec("minify") is None:
        yield False
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in assets.ASSETS:
            Path(folder, f"{name}.deflate").write_bytes(assets.shortened(name))
        _carry(Path(folder))
        try:
            yield True
        finally:
            _carry(before)


def _carry(folder: Path) -> None:
    assets.BUILT = folder
    for kept in (assets.asset, assets.packed, page._packed, page._policy):
        kept.cache_clear()
