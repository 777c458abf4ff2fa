"""Copy the notebooks, without their outputs, to where they may be written in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[1]))

from notebooks.execute import FOLDER, notebooks, read

MINE = FOLDER / "mine"


def copy_all(folder: Path = MINE) -> list[Path]:
    """Write a copy of each notebook into `folder`, and return the new ones.

    A copy that is there already is left alone: somebody may have worked in it.
    """
    import nbformat

    folder.mkdir(exist_ok=True)
    made = []
    for path in notebooks():
        copy = folder / path.name
        if copy.exists():
            continue
        notebook = read(path)
        without_outputs(notebook)
        nbformat.write(notebook, copy)  # type: ignore[no-untyped-call]
        made.append(copy)
    return made


def without_outputs(notebook: Any) -> None:
    """Take out all that running it has shown, so that nothing gives the answers away."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


if __name__ == "__main__":
    made = copy_all(Path(sys.argv[1]) if len(sys.argv) > 1 else MINE)
    print(f"{len(made)} new copies; those that were there are as you left them")
