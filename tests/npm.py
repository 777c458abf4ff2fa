"""What tests take from npm, which is not on every machine: `make` installs it."""

from __future__ import annotations

from pathlib import Path

import pytest

MODULES = Path(__file__).parent / "browser" / "node_modules"


def from_npm(path: str) -> Path:
    """Where a file of an npm package is; without it the test is skipped."""
    found = MODULES / path
    if not found.is_file():
        pytest.skip(
            f"{path} is not installed: npm install --no-package-lock --prefix tests/browser"
        )
    return found
