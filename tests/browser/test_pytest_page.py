"""The page that the pytest plugin writes of a failing test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.plugin.suites import FAILING, PLUGIN
from tests.processes import ROOT

from .screen import Screen


def test_shows_the_requests_of_the_test(screen: Screen, tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text(FAILING)
    options = ["-p", "no:cacheprovider", "-p", "no:asyncio", "--timeline=retain-on-failure"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *PLUGIN, *options, "test_shop.py"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    (page,) = (tmp_path / "timelines").iterdir()
    assert f"written: {page}" in done.stdout
    screen.open(page.as_uri())
    assert screen.page.title() == "test_shop.py::test_order"
    words = " ".join(screen.texts())
    assert "POST /checkout #1" in words
    assert "mail" in words
    if folder := os.environ.get("PICTURES"):
        screen.page.screenshot(path=f"{folder}/pytest_page.png")
