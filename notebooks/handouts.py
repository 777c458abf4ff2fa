"""Make pages to print, or slides, of notebooks: `python notebooks/handouts.py [NAME …] [--slides]`.

What `jupyter nbconvert` makes of them has no words for who cannot see the pictures, and a page
may end in the middle of a cell.
"""

from __future__ import annotations

import argparse
import sys
from html import escape
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[1]))

from notebooks.copies import MINE
from notebooks.execute import FOLDER, notebooks, read

STYLE = """<style>
@page { size: A4; margin: 14mm 12mm }
@media print {
    .jp-Cell-inputWrapper, .jp-OutputArea-output, table, img { break-inside: avoid }
    h1, h2, h3 { break-after: avoid }
    img { max-width: 100% }
}
</style>
"""


def page(path: Path, *, slides: bool = False, answers: bool = False, **options: Any) -> str:
    """Return the HTML of a notebook with what it shows, as one page or as slides.

    `answers` unfolds solutions and answers, which paper cannot do. `options` are those of
    nbconvert's exporter.
    """
    from nbconvert import HTMLExporter, SlidesExporter

    notebook = read(path)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            _describe(output)
        if answers and cell.cell_type == "markdown":
            cell.source = cell.source.replace("<details>", "<details open>")
    exporter = SlidesExporter(**options) if slides else HTMLExporter(**options)
    body, _ = exporter.from_notebook_node(notebook)
    return str(body).replace("</head>", f"{STYLE}</head>", 1)


def _describe(output: Any) -> None:
    # nbconvert takes no words from the metadata of a picture, and leaves HTML as it is.
    data = output.get("data", {})
    if "image/png" in data:
        words = escape(output.metadata["image/png"]["alt"])
        source = f"data:image/png;base64,{data['image/png'].strip()}"
        output.data = {"text/html": f'<img alt="{words}" src="{source}">'}


def main(arguments: list[str] | None = None) -> int:
    """Write a page for each of the chosen notebooks."""
    parser = argparse.ArgumentParser(description="Make pages to print, or slides, of notebooks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="how a notebook's name begins")
    parser.add_argument("--slides", action="store_true", help="slides instead of a page to print")
    parser.add_argument("--answers", action="store_true", help="with the answers unfolded")
    given = parser.parse_args(arguments)
    try:
        paths = notebooks(given.names)
    except ValueError as error:
        parser.error(str(error))
    MINE.mkdir(exist_ok=True)
    for path in paths:
        made = MINE / f"{path.stem}{'.slides' * given.slides}.html"
        made.write_text(page(path, slides=given.slides, answers=given.answers), encoding="utf-8")
        print(f"wrote {made.relative_to(FOLDER.parent)}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
