from __future__ import annotations

from pathlib import Path

import pytest

from .environments import Built, Environment, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The wheel and the sdist of this checkout."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def plain(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel and what it needs itself."""
    return Environment.make(tmp_path_factory.mktemp("plain") / "env", built.wheel)


@pytest.fixture(scope="session")
def full(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel and what the command line needs."""
    return Environment.make(tmp_path_factory.mktemp("full") / "env", built.named("lab"))


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder outside of the repository, to work in."""
    return tmp_path
