"""Run the library's tests on every Python, and with the lowest FastAPI: `make test-versions`.

`python -m tests.versions 3.12 lowest` runs some of them alone; `--` begins options of pytest.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import newer_debian

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
LOWEST = "lowest"

PAINTED = re.compile(r"^\s*(from|import) visualize", re.MULTILINE)
OF_THE_HOUSE = {
    *("benchmarks", "docs", "examples", "notebooks", "readme", "release", "typing", "versions"),
    *("fidelity", "promises", "thread_shortage"),
}
"""These test what stands around the library, or what a machine can do: once is enough, and so it
is for all that paint."""

QUICK = ["-q", "-p", "no:cacheprovider", "-m", "not slow and not browser and not packaging"]


@dataclass(frozen=True)
class Python:
    """An interpreter to test with; `path` is None where none can be had, and `why` says so."""

    version: str
    path: str | None = None
    why: str = ""


def library_tests() -> list[str]:
    """Return the test files that need no more than the library."""
    files = sorted(ROOT.glob("tests/test_*.py"))
    return [
        str(file.relative_to(ROOT))
        for file in files
        if file.stem.removeprefix("test_") not in OF_THE_HOUSE
        and not PAINTED.search(file.read_text())
    ]


def find(version: str) -> Python:
    """Find an interpreter: on the path, of pyenv, known to uv, or one that uv or Debian brings."""
    for path in _candidates(version):
        if _is(path, version):
            return Python(version, path)
    brought = subprocess.run(
        [_uv(), "python", "install", "--quiet", version],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    found = _known_to_uv(version)
    if brought.returncode == 0 and found is not None and _is(found, version):
        return Python(version, found)
    path = newer_debian.bring(version, ROOT / f".venv-debian-{version}", _uv())
    if path is not None and _is(path, version):
        return Python(version, path)
    return Python(version, why="it is not installed, and neither uv nor Debian brings it here")


def _candidates(version: str) -> Iterator[str]:
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        yield sys.executable
    if (here := shutil.which(f"python{version}")) is not None:
        yield here
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python")))
    if (known := _known_to_uv(version)) is not None:
        yield known


def _known_to_uv(version: str) -> str | None:
    found = subprocess.run(
        [_uv(), "python", "find", "--no-project", "--managed-python", version],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return found.stdout.strip() or None


def _is(path: str, version: str) -> bool:
    """Tell whether this runs, and is that version: pyenv's stand-ins may not."""
    said = subprocess.run(
        [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return said.stdout.strip() == version


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise SystemExit("uv is not installed, and makes the environments: pip install uv")
    return found


def environment(folder: Path, python: str, *options: str) -> str:
    """Make an environment with all that the tests need, where pyproject.toml is newer."""
    program, done = folder / "bin" / "python", folder / ".done"
    project = ROOT / "pyproject.toml"
    if not done.exists() or done.stat().st_mtime < project.stat().st_mtime:
        made = ["--quiet", "--clear", "--python", python, str(folder)]
        subprocess.run([_uv(), "venv", *made], check=True, cwd=ROOT)
        install = [_uv(), "pip", "install", "--quiet", "--python", str(program), *options]
        subprocess.run([*install, "--editable", ".[dev]"], check=True, cwd=ROOT)
        done.touch()
    return str(program)


def run(name: str, pytest: list[str]) -> bool | None:
    """Run the tests once; say in one line how it went. None: it could not be had."""
    found = find(PYTHONS[0] if name == LOWEST else name)
    if found.path is None:
        print(f"Python {name}: skipped, {found.why}", flush=True)
        return None
    options = ["--resolution", "lowest-direct"] if name == LOWEST else []
    begun = time.monotonic()
    program = environment(ROOT / f".venv-{name}", found.path, *options)
    command = [program, "-m", "pytest", *pytest, *library_tests()]
    done = subprocess.run(command, cwd=ROOT)
    words = "lowest versions" if name == LOWEST else f"Python {name}, newest versions"
    good = "passed" if done.returncode == 0 else "FAILED"
    print(f"{words}: {good} in {time.monotonic() - begun:.0f} s", flush=True)
    return done.returncode == 0


def main(arguments: list[str]) -> int:
    """Run what was named, or all; return 1 if any failed."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    names, pytest = arguments[:cut] or [*PYTHONS, LOWEST], arguments[cut + 1 :] or QUICK
    unknown = sorted({*names} - {*PYTHONS, LOWEST})
    if unknown:
        raise SystemExit(f"no such versions: {', '.join(unknown)}; there are {PYTHONS} and lowest")
    results = [run(name, pytest) for name in names]
    return 1 if False in results or not any(results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
