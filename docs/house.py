"""Draw the house: every room of the code, standing on those that it imports.

`python -m docs.house` writes docs/house.svg. A room is a module or a folder of modules; a folder
whose modules stand on both sides of another room is drawn module by module.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURE = Path(__file__).parent / "house.svg"
PACKAGES = ("fastapi_tasks", "visualize")
ACROSS, WIDTH, GAP = 5, 232, 10
NAME, LINE, LETTERS = 28, 14, 34

Graph = dict[str, set[str]]


def house() -> str:
    """Return the picture."""
    return "\n".join(_draw(rooms(imports())))


def imports() -> Graph:
    """Return which modules each module imports, anywhere in it."""
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }
    return {name: set(_imported(name, path, files)) - {name} for name, path in files.items()}


def _imported(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in known)
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(up if node.level else []), *filter(None, [node.module])])
            for one in node.names:
                inside = f"{base}.{one.name}"
                yield from [inside] if inside in known else [base] if base in known else []


def rooms(graph: Graph) -> Graph:
    """Put the modules of a folder together, where that makes no circle."""
    split: set[str] = set()
    while True:
        merged = _merged(graph, split)
        circle = {room for room in merged if _reaches(merged, room, room)}
        folders = {room for room in circle if any(one.startswith(f"{room}.") for one in graph)}
        if not folders - split:
            return merged
        split |= folders


def _merged(graph: Graph, split: set[str]) -> Graph:
    def room(name: str) -> str:
        parts = name.split(".")
        if len(parts) == 1:
            return name
        folder = ".".join(parts[:2])
        return name if folder in split else folder

    # A package's own face and its entrance are not rooms: they show what is inside.
    inner = [one for one in graph if one not in PACKAGES and not one.endswith("__main__")]
    merged: Graph = {room(name): set() for name in inner}
    for name in inner:
        merged[room(name)] |= {room(one) for one in graph[name] if one in inner}
    return {name: {one for one in below if one != name} for name, below in merged.items()}


def _reaches(graph: Graph, start: str, goal: str) -> bool:
    seen: set[str] = set()
    todo = list(graph[start])
    while todo:
        one = todo.pop()
        if one == goal:
            return True
        if one not in seen:
            seen.add(one)
            todo.extend(graph[one])
    return False


def storeys(graph: Graph) -> dict[str, int]:
    """Return how high each room stands: one above the highest that it imports."""
    heights: dict[str, int] = {}

    def height(room: str, inside: tuple[str, ...] = ()) -> int:
        if room not in heights:
            below = graph[room] - {*inside, room}
            heights[room] = 1 + max((height(one, (*inside, room)) for one in below), default=-1)
        return heights[room]

    for room in sorted(graph):
        height(room)
    return heights


def _draw(graph: Graph) -> Iterator[str]:
    boxes: list[str] = []
    y = 10
    # What paints stands on what records, and never the other way round.
    for package in reversed(PACKAGES):
        rooms_of_it = {name: below for name, below in graph.items() if name.startswith(package)}
        boxes.append(f'<text class="package" x="{GAP}" y="{y + 22}">{package}</text>')
        y += 34
        for names in _floors(rooms_of_it):
            for at in range(0, len(names), ACROSS):
                row = names[at : at + ACROSS]
                height = NAME + LINE * max(len(_lines(name)) for name in row)
                for column, name in enumerate(row):
                    boxes.append(_box(name, graph[name], GAP + column * (WIDTH + GAP), y, height))
                y += height + GAP
            boxes.append(f'<path d="M{GAP} {y}H{ACROSS * (WIDTH + GAP)}"/>')
            y += GAP
    width = ACROSS * (WIDTH + GAP) + GAP
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" role="img"'
    yield ' aria-label="The rooms of the code, floor by floor, each above those that it imports">'
    yield f'<style>{_STYLE}</style><rect class="ground" width="{width}" height="{y}"/>'
    yield from boxes
    yield "</svg>"


def _floors(graph: Graph) -> list[list[str]]:
    """Return the rooms of each floor, from the top."""
    inner = {name: below & graph.keys() for name, below in graph.items()}
    heights = storeys(inner)
    floors = sorted(set(heights.values()), reverse=True)
    return [sorted(name for name in graph if heights[name] == floor) for floor in floors]


def _box(name: str, below: set[str], x: int, y: int, height: int) -> str:
    package, _, room = name.partition(".")
    more = f"{_words(name)} It imports {', '.join(sorted(below)) or 'nothing of the house'}."
    said = "".join(
        f'<text x="{x + 8}" y="{y + NAME + 6 + LINE * number}">{escape(line)}</text>'
        for number, line in enumerate(_lines(name))
    )
    return (
        f'<g class="{package}"><title>{escape(more)}</title>'
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{height}" rx="4"/>'
        f'<text class="room" x="{x + 8}" y="{y + 18}">{escape(room)}</text>{said}</g>'
    )


def _lines(name: str) -> list[str]:
    return textwrap.wrap(_words(name), LETTERS)


def _words(name: str) -> str:
    """Return the first line of a room's docstring."""
    path = ROOT.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    return (said or "").partition("\n")[0]


_STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#3d444d}"
    ".room{font-weight:700;font-size:13px;fill:#10141a}"
    ".package{font-weight:700;font-size:16px}.ground{fill:#ffffff}path{stroke:#d0d7de}"
    ".fastapi_tasks rect{fill:#e6f1f9;stroke:#0072b2}.visualize rect{fill:#fdeee3;stroke:#e86d18}"
)


if __name__ == "__main__":
    PICTURE.write_text(house() + "\n", encoding="utf-8")
