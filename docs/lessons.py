"""Bring the kept notebooks into the site, and what `show` draws as a page in a frame."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from notebooks.execute import run

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "notebooks"
FRAME = re.compile(r"<iframe [^>]*?srcdoc='(?P<page>[^']*)'></iframe>")
SHOWS = re.compile(r"^show\(", re.MULTILINE)


def copy_lessons(place: Path, frames: Path) -> None:
    """Write the notebooks and their list into `place`, and the pages of frames into `frames`."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for file in sorted(SOURCE.iterdir()):
        if file.suffix in (".svg", ".pdf"):
            shutil.copy(file, place)
        elif file.suffix == ".ipynb":
            _write(_lesson(file, frames), place / file.name)
    shutil.copytree(SOURCE / "pictures", place / "pictures")
    toctree = "\n```{toctree}\n:hidden:\n:glob:\n\n[0-9]*\n```\n"
    (place / "README.md").write_text((SOURCE / "README.md").read_text() + toctree, encoding="utf-8")


def _lesson(file: Path, frames: Path) -> Any:
    notebook = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]
    if any(SHOWS.search(cell.source) for cell in notebook.cells if cell.cell_type == "code"):
        # A frame is not kept in the file: it is as large as the notebook and never twice the same.
        notebook = run(notebook, keep_frames=True)
        for number, output in enumerate(_framed(notebook)):
            _move_out(output, frames / f"{file.stem}-{number}.html")
    for cell in notebook.cells:
        _describe(cell)
    return notebook


def _framed(notebook: Any) -> Iterator[Any]:
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if FRAME.search(output.get("data", {}).get("text/html", "")):
                yield output


def _move_out(output: Any, file: Path) -> None:
    """Let the page of a frame be a file, which is loaded when its place comes into sight."""
    found = FRAME.search(output.data["text/html"])
    assert found
    file.write_text(html.unescape(found["page"]), encoding="utf-8")
    frame = (
        f'<iframe class="timeline" src="../_static/frames/{file.name}" loading="lazy" '
        'title="The timeline in the interactive viewer" sandbox="allow-scripts allow-downloads">'
        "</iframe>"
    )
    output.data["text/html"] = output.data["text/html"].replace(found[0], frame)


def _describe(cell: Any) -> None:
    """Hand on the words for its picture to where the site looks for them."""
    for output in cell.get("outputs", ()):
        if words := output.get("metadata", {}).get("image/png", {}).get("alt"):
            cell.metadata["mystnb"] = {"image": {"alt": words}}


def _write(notebook: Any, file: Path) -> None:
    nbformat.write(notebook, file)  # type: ignore[no-untyped-call]
