"""Each notebook fails once the claim that it shows is no longer true.

A sample by default; all of them, some two minutes, with `MUTATIONS=all` or `make mutations`.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from notebooks.execute import notebooks, private_settings, read, run

from .mutations import MUTATIONS, Mutation
from .processes import ROOT

SAMPLE = {(5, "05"), (10, "09"), (17, "15"), (25, "20")}
PAIRS = [(mutation, claim, name) for mutation in MUTATIONS for claim, name in mutation.claims]
CHOSEN = [pair for pair in PAIRS if os.environ.get("MUTATIONS") == "all" or pair[1:] in SAMPLE]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("nbclient") is None, reason="nbclient is not installed"),
]


def test_every_claim_has_a_mutation() -> None:
    assert sorted({claim for _, claim, _ in PAIRS}) == list(range(1, 28))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_mutation_finds_what_it_changes(mutation: Mutation) -> None:
    if mutation.file:
        text = (ROOT / "fastapi_tasks" / mutation.file).read_text(encoding="utf-8")
        assert text.count(mutation.old) == 1


@pytest.mark.parametrize(
    ("mutation", "claim", "number"),
    [pytest.param(*pair, id=f"claim {pair[1]}, {pair[2]}: {pair[0].name}") for pair in CHOSEN],
)
def test_notebook_fails_when_its_claim_is_false(
    mutation: Mutation, claim: int, number: str, tmp_path: Path
) -> None:
    from nbclient.exceptions import CellExecutionError

    [path] = notebooks([number])
    notebook = read(path)
    cells = notebook.cells
    assert any(f"claim-{claim}" in cell.metadata.get("tags", []) for cell in cells)
    # The exercise is the reader's part.
    turn = next(n for n, cell in enumerate(cells) if "## Your turn" in cell.source)
    cells[turn:] = []
    mutated(mutation, cells, tmp_path)
    with private_settings(), pytest.raises(CellExecutionError) as failed:
        run(notebook, code=tmp_path)
    assert failed.value.ename in ("AssertionError", "KeyError")


def mutated(mutation: Mutation, cells: list[object], root: Path) -> None:
    """Put the packages into `root`, and change there, or in the cells, what is to be changed."""
    for package in ("fastapi_tasks", "visualize"):
        shutil.copytree(
            ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    if not mutation.file:
        for cell in cells:
            cell.source = changed(cell.source, mutation)  # type: ignore[attr-defined]
        return
    file = root / "fastapi_tasks" / mutation.file
    text = file.read_text(encoding="utf-8")
    assert mutation.old in text, f"{mutation.file} has changed: look at its mutation"
    file.write_text(changed(text, mutation) + mutation.more, encoding="utf-8")


def changed(text: str, mutation: Mutation) -> str:
    return text.replace(mutation.old, mutation.new)
