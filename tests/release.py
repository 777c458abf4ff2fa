"""Say what a release still lacks, and refuse until it lacks nothing: `python -m tests.release`.

`--tag` then builds the distribution into dist/ and makes the tag. Nothing is ever uploaded.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent

Check = Callable[[Path], Iterator[str]]
"""Takes the root of a checkout; yields what it lacks, each with what to do."""


def version_of(root: Path) -> str:
    """Return the version that the checkout says it is."""
    said = (root / "fastapi_tasks" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', said, re.MULTILINE)
    assert found
    return found[1]


def tree(root: Path) -> Iterator[str]:
    """Committed, on the main branch, and not released yet."""
    changed = git(root, "status", "--porcelain").splitlines()
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        yield f"not committed: {changed[0][3:]}{more}: commit or remove it"
    branch = git(root, "branch", "--show-current")
    if branch != "main":
        yield f"this is branch {branch or '(none)'}, and releases are made of main: merge first"
    tag = f"v{version_of(root)}"
    if git(root, "tag", "--list", tag):
        yield f"there is a tag {tag}: raise __version__ in fastapi_tasks/__init__.py"


def changelog(root: Path) -> Iterator[str]:
    """Its first section is this version, of today, and says something."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    wanted = f"{version_of(root)}, {datetime.date.today().isoformat()}"
    if first is None or first[1].strip() != wanted:
        found = f"{first[1].strip()!r}" if first else "none"
        yield f"the first heading of CHANGELOG.md is {found}: write '## {wanted}'"
    if first is not None and not re.search(r"^- ", first[2], re.MULTILINE):
        yield "CHANGELOG.md says nothing of this version: write what changed"


def addresses(root: Path) -> Iterator[str]:
    """Links lead to the project's real home; `.example` stands for one that is not chosen yet."""
    for name in ("pyproject.toml", "SECURITY.md"):
        found = re.findall(r"[\w.-]+\.example\b", (root / name).read_text(encoding="utf-8"))
        if found:
            yield f"{name} names {found[0]}, which is nobody's: write the project's real address"


def pictures(root: Path) -> Iterator[str]:
    """What is drawn from the code is of this code."""
    drawn = subprocess.run(
        [sys.executable, "-c", "from docs.house import house; print(house())"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    kept = root / "docs" / "house.svg"
    if not kept.exists() or kept.read_text(encoding="utf-8") != drawn.stdout:
        yield "docs/house.svg is not of this code: python -m docs.house draws it anew"


def code(root: Path) -> Iterator[str]:
    """Linter, formatter and types are clean."""
    for command in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        yield from complaint([str(BIN / command[0]), *command[1:]], root, " ".join(command))


def distribution(root: Path) -> Iterator[str]:
    """It is built, complete, and accepted by every check; it runs where nothing else is."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/packaging"]
    yield from complaint(command, root, "the tests of the distribution")


CHEAP: tuple[Check, ...] = (tree, changelog, addresses, pictures)
DEAR: tuple[Check, ...] = (code, distribution)


def complaint(command: list[str], root: Path, name: str) -> Iterator[str]:
    """Yield that a command fails, with the last line that it says."""
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1:]
        yield f"{name} fails: {''.join(last)}"


def git(root: Path, *arguments: str) -> str:
    """Return what git says."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.rstrip()


def main(arguments: list[str]) -> int:
    """Say what is missing; return how it ended: 0 for a tree that is ready."""
    missing = [one for check in CHEAP for one in check(ROOT)]
    # The dear ones tell nothing new as long as the tree is to change anyway.
    missing = missing or [one for check in DEAR for one in check(ROOT)]
    for one in missing:
        print(f"- {one}")
    if missing:
        print(f"not ready for a release of {version_of(ROOT)}")
        return 1
    print(f"{version_of(ROOT)} is ready")
    if "--tag" in arguments:
        subprocess.run(
            [str(BIN / "uv"), "build", "--clear", "--out-dir", "dist"], cwd=ROOT, check=True
        )
        git(ROOT, "tag", "--annotate", f"v{version_of(ROOT)}", "--message", f"v{version_of(ROOT)}")
        print(f"tagged v{version_of(ROOT)}; dist/ holds what to upload, with twine or by hand")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
