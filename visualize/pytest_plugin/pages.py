"""The page of a test: where it is, and what is in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi_tasks import Timeline

_LONGEST = 120
_DIGITS = 8


def page_of(folder: Path, test: str) -> Path:
    """Name the page of a test: after it, and no two alike."""
    readable = re.sub(r"[^\w.]+", "-", test, flags=re.ASCII).strip("-")[-_LONGEST:].lstrip("-.")
    digits = sha256(test.encode("utf-8", "backslashreplace")).hexdigest()[:_DIGITS]
    return folder / f"{readable}-{digits}.html"


def write_page(page: Path, timelines: Sequence[Timeline], title: str) -> None:
    """Write timelines as an interactive page.

    Raises OSError if it cannot be written, FileExistsError where there is a file that is no page
    of ours.
    """
    from fastapi_tasks.files import writing
    from visualize.page import to_html

    page.parent.mkdir(parents=True, exist_ok=True)
    if _is_ours(page) is False:
        raise FileExistsError("what is there is no page of ours")
    with writing(page) as file:
        file.write(to_html(timelines, title=title).encode())


def remove_page(page: Path) -> None:
    """Take the page of an earlier run away, if it is one of ours."""
    with suppress(OSError):
        if page.exists() and _is_ours(page):
            page.unlink()


def _is_ours(page: Path) -> bool | None:
    """Tell whether a page of ours is there; None where nothing is."""
    from fastapi_tasks.files import beginning
    from visualize.painters import painter_of

    head = beginning(page)
    return painter_of("html").sign in head if head else None
