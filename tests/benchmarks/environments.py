"""Environments of the benchmark's own, for packages that cannot share ours."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.workers import ROOT

SHARED = ("fastapi", "starlette", "pydantic", "anyio", "uvicorn", "h11")
INSTALL_SECONDS = 300


class UnavailableError(Exception):
    """Something that the benchmark compares with cannot be had here; the message says why."""


def published() -> str:
    """Return the Python of an environment with fastapi-tasks 0.1.0 and our versions of the rest."""
    wanted = [f"{name}=={version(name)}" for name in SHARED]
    return python_with("published", ["fastapi-tasks==0.1.0", *wanted, *_uvloop()])


def _uvloop() -> list[str]:
    return [f"uvloop=={version('uvloop')}"] if has("uvloop") else []


def has(package: str) -> bool:
    """Tell whether this environment has a package."""
    return find_spec(package) is not None


def python_with(name: str, packages: list[str]) -> str:
    """Return the Python of `.venv-NAME`, made if these packages are not in it yet.

    Raises UnavailableError if they cannot be installed.
    """
    folder = ROOT / f".venv-{name}"
    python = folder / "bin" / "python"
    stamp = folder / hashlib.sha256(" ".join(packages).encode()).hexdigest()[:16]
    if not stamp.exists():
        print(f"Installing into {folder.name} …", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([*_installer(python), *packages])
        stamp.touch()
    return str(python)


def versions_in(python: str, packages: list[str]) -> str:
    """Name the versions that an environment has, such as `plotly 7.1.0, Bokeh 3.9.2`."""
    script = "import sys; from importlib.metadata import version as v\n"
    script += "print(*(f'{name} {v(name)}' for name in sys.argv[1:]), sep=', ')"
    done = subprocess.run(
        [python, "-P", "-c", script, *packages], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _installer(python: Path) -> list[str]:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    return [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{Path(command[0]).name} failed: {error}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise UnavailableError(f"{Path(command[0]).name} failed: {lines[-1].strip()}")
