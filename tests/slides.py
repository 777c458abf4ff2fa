"""How the notebooks fall into slides, and about how high each is: measured once in a browser."""

from __future__ import annotations

import re
from base64 import b64decode
from math import ceil
from typing import Any

ROOM = 684
"""Pixels of a slide from `nbconvert --to slides` on a screen of 1280 × 720."""
WIDTH = 850
"""Pixels for a picture."""
LINE = 22.8, 63
"""Pixels of a line of code or of what it prints, and the characters that fit into it."""
PROSE = 27, 80


def slides(cells: list[Any]) -> list[list[Any]]:
    """Return the cells that each slide shows, in their order."""
    found: list[list[Any]] = []
    for cell in cells:
        kind = cell.metadata["slideshow"]["slide_type"]
        if kind == "skip":
            continue
        if kind in ("slide", "subslide") or not found:
            found.append([])
        found[-1].append(cell)
    return found


def height(cell: Any) -> float:
    """About how many pixels a cell takes on a slide, with what it shows."""
    if cell.cell_type == "markdown":
        return 22 + sum(map(_block, re.split(r"\n\n+", _unfolded(cell.source))))
    lines = 32 + LINE[0] * len(cell.source.splitlines())
    return lines + sum(map(_output, cell.outputs))


def _unfolded(text: str) -> str:
    return re.sub(r"<details>.*?</details>", "Answers", text, flags=re.DOTALL)


def _block(block: str) -> float:
    if found := re.match(r"(#+) ", block):
        return 100 if len(found[1]) == 1 else 76
    if block.startswith("|"):
        rows = [row.split("|")[1:-1] for row in block.splitlines() if "---" not in row]
        share = PROSE[1] / len(rows[0])
        return 16 + sum(9 + 22 * max(ceil(len(cell) / share) for cell in row) for row in rows)
    if re.match(r"[-*\d]", block):
        return 16 + sum(6 + _prose(item) for item in block.splitlines())
    return 16 + _prose(block)


def _prose(text: str) -> float:
    shown = re.sub(r"\]\([^)]*\)|[`*\[]", "", text)
    return PROSE[0] * ceil(len(shown) / PROSE[1])


def _output(output: Any) -> float:
    data = output.get("data", {})
    if "image/png" in data:
        size = b64decode(data["image/png"])[16:24]
        wide, high = int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big")
        return 12 + high * WIDTH / wide
    text = output.get("text") or data.get("text/plain", "")
    return 20 + LINE[0] * sum(ceil((len(line) or 1) / LINE[1]) for line in text.splitlines())
