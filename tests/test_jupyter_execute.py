"""A notebook of the course, run by Jupyter's own command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from notebooks.execute import FOLDER

from .processes import PATIENCE, environment

NAME = "05_three_modes.ipynb"


@pytest.mark.slow
def test_jupyter_execute_runs_a_copy(tmp_path: Path) -> None:
    shutil.copy(FOLDER / NAME, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "execute", "--inplace", NAME],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cells = nbformat.read(tmp_path / NAME, as_version=4).cells
    counts = [cell.execution_count for cell in cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert [output.output_type for output in outputs if output.output_type == "error"] == []
