"""The release script finds what is missing in a tree, and nothing in one that is ready."""

from __future__ import annotations

import datetime
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from . import release
from .processes import ROOT

TODAY = datetime.date.today().isoformat()


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A small checkout that lacks nothing that is cheap to see."""
    (tmp_path / "fastapi_tasks").mkdir()
    (tmp_path / "fastapi_tasks" / "__init__.py").write_text('"""X."""\n\n__version__ = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## 1.2.0, {TODAY}\n\n- All is new.\n")
    for name in ("pyproject.toml", "SECURITY.md"):
        (tmp_path / name).write_text("home = 'somewhere.invalid'\n")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path)
    return tmp_path


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "All of it")


def found(root: Path) -> list[str]:
    checks = (release.tree, release.changelog, release.addresses)
    return [one for check in checks for one in check(root)]


def test_a_ready_tree_lacks_nothing(ready: Path) -> None:
    assert found(ready) == []


def leave_uncommitted(root: Path) -> None:
    (root / "new.py").write_text("")


def leave_main(root: Path) -> None:
    git(root, "checkout", "--quiet", "-b", "mine")


def tag(root: Path) -> None:
    git(root, "tag", "v1.2.0")


def raise_the_version(root: Path) -> None:
    (root / "fastapi_tasks" / "__init__.py").write_text('__version__ = "1.3.0"\n')
    commit(root)


def write_nothing_about_it(root: Path) -> None:
    (root / "CHANGELOG.md").write_text(f"## 1.2.0, {TODAY}\n\n## 1.1.0\n\n- Older.\n")
    commit(root)


def leave_it_unreleased(root: Path) -> None:
    (root / "CHANGELOG.md").write_text("## 1.2.0, unreleased\n\n- All is new.\n")
    commit(root)


def have_no_home(root: Path) -> None:
    (root / "pyproject.toml").write_text('Homepage = "https://here.example/x"\n')
    commit(root)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (leave_uncommitted, "not committed: new.py: commit or remove it"),
        (leave_main, "this is branch mine, and releases are made of main: merge first"),
        (tag, "there is a tag v1.2.0: raise __version__ in fastapi_tasks/__init__.py"),
        (
            raise_the_version,
            f"the first heading of CHANGELOG.md is '1.2.0, {TODAY}': write '## 1.3.0, {TODAY}'",
        ),
        (write_nothing_about_it, "CHANGELOG.md says nothing of this version: write what changed"),
        (
            leave_it_unreleased,
            f"the first heading of CHANGELOG.md is '1.2.0, unreleased': write '## 1.2.0, {TODAY}'",
        ),
        (
            have_no_home,
            "pyproject.toml names here.example, which is nobody's: "
            "write the project's real address",
        ),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(
    ready: Path, spoil: Callable[[Path], None], complaint: str
) -> None:
    spoil(ready)
    assert found(ready) == [complaint]


def test_an_old_picture_of_the_house_is_found(tmp_path: Path) -> None:
    for name in ("docs", "fastapi_tasks", "visualize"):
        ignored = shutil.ignore_patterns("__pycache__", "made", "notebooks", "frames")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    subprocess.run([release.sys.executable, "-m", "docs.house"], cwd=tmp_path, check=True)
    assert list(release.pictures(tmp_path)) == []
    (tmp_path / "visualize" / "attic.py").write_text('"""A new room."""\n')
    (complaint,) = release.pictures(tmp_path)
    assert complaint == "docs/house.svg is not of this code: python -m docs.house draws it anew"
