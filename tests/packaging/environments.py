"""Build the distribution, and install it in environments of its own: with uv, in seconds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..processes import ROOT

PATIENCE = 120


def run(*command: str | Path, cwd: Path | None = None, **more: str) -> str:
    """Run a command that must succeed; return what it printed."""
    done = attempt(*command, cwd=cwd, **more)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def attempt(
    *command: str | Path, cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, without anything of this checkout or of its environment."""
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=bare(**more), capture_output=True,
        encoding="utf-8", timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def bare(**more: str) -> dict[str, str]:
    """Return an environment in which only what is installed is found."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "DISPLAY", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return {**kept, "PYTHONIOENCODING": "utf-8", **more}


def tool(name: str) -> str:
    """Return the program `name` of the environment that the tests run in."""
    found = shutil.which(
        name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    if found is None:
        pytest.skip(f"{name} is not installed: pip install -e '.[dev]' brings it")
    return found


@dataclass(frozen=True)
class Built:
    """The files of a build."""

    wheel: Path
    sdist: Path

    def named(self, extra: str) -> str:
        """Return what an installer is told in order to install the wheel with an extra."""
        return f"fastapi-tasks-timeline[{extra}] @ {self.wheel.as_uri()}"


def build(folder: Path) -> Built:
    """Make the sdist, and the wheel out of the sdist."""
    run(tool("uv"), "build", "--quiet", "--out-dir", folder, ROOT)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds no more than what a test installs."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, *packages: str | Path) -> Environment:
        """Make one, with these packages and what they need."""
        run(tool("uv"), "venv", "--quiet", "--python", sys.executable, folder)
        made = cls(folder)
        made.install(*packages)
        return made

    def install(self, *packages: str | Path) -> None:
        """Install these packages and what they need."""
        run(tool("uv"), "pip", "install", "--quiet", "--python", self.program("python"), *packages)

    def program(self, name: str) -> Path:
        """Return a program of this environment."""
        return self.folder / "bin" / name
