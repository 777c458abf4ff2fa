"""What runs the tests several at a time: nothing is left out, and what fails twice fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from . import at_once
from .processes import ROOT, environment

pytest.importorskip("xdist", reason="pytest-xdist is not installed")

FAILS_BESIDE_OTHERS = """
import os

def test_alone():
    assert "PYTEST_XDIST_WORKER" not in os.environ

def test_fine(): pass
"""


def run(folder: Path, source: str, *files: str) -> subprocess.CompletedProcess[str]:
    """Run a suite of one file that stands here."""
    (folder / "test_it.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "tests.at_once", *files, "--", "-q", "-p", "xdist.plugin"],
        cwd=folder, env=environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_each_file_that_is_to_run_alone_is_there() -> None:
    assert [file for file in at_once.ALONE if not (ROOT / file).exists()] == []


def test_what_fails_beside_others_alone_is_said_and_passes(tmp_path: Path) -> None:
    done = run(tmp_path, FAILS_BESIDE_OTHERS, "test_it.py")
    assert done.returncode == 0, done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert "What failed beside other tests is run without them:" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 passed")


def test_what_fails_twice_fails(tmp_path: Path) -> None:
    done = run(tmp_path, "def test_it(): assert False", "test_it.py")
    assert (done.returncode, done.stdout.count("1 failed")) == (1, 2)


def test_a_file_that_cannot_be_read_is_no_success(tmp_path: Path) -> None:
    assert run(tmp_path, "import nowhere", "test_it.py").returncode != 0


def test_one_that_is_to_run_alone_runs_without_workers(tmp_path: Path) -> None:
    lonely = tmp_path / at_once.ALONE[0]
    lonely.parent.mkdir(parents=True)
    lonely.write_text(FAILS_BESIDE_OTHERS)
    done = run(tmp_path, "", at_once.ALONE[0])
    assert (done.returncode, done.stdout.splitlines()[-1].partition(" in")[0]) == (0, "2 passed")
