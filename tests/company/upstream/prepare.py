"""Fetch the test suites of the installed versions, and make an environment for each."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[3]
HOME = ROOT / ".venv-upstream"
GROUPS = {"fastapi": "tests", "starlette": "dev"}
"""The suites, each with what its project calls the packages that its tests need."""

MORE = ("orjson", "pytest-timeout", "trio", "ujson")
"""What tests ask for, or are skipped, and no group names."""


def source(suite: str) -> Path:
    """Return the folder in which the suite is unpacked."""
    return HOME / f"{suite}-{version(suite)}"


def python(suite: str) -> Path:
    """Return the interpreter that runs the suite."""
    return HOME / suite / "bin" / "python"


def prepare(suite: str) -> None:
    """Fetch one suite of the version that is installed here, and make its environment."""
    wanted = f"{suite}=={version(suite)}"
    download = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    run(*download, "--no-deps", "--no-binary", suite, "--dest", str(HOME), wanted)
    with tarfile.open(HOME / f"{source(suite).name}.tar.gz") as archive:
        archive.extractall(HOME, filter="data")
    uv = [sys.executable, "-m", "uv", "--quiet"]
    run(*uv, "venv", "--allow-existing", "--python", sys.executable, str(HOME / suite))
    both = [f"fastapi[all]=={version('fastapi')}", f"starlette[full]=={version('starlette')}"]
    group = f"{source(suite) / 'pyproject.toml'}:{GROUPS[suite]}"
    install = [*uv, "pip", "install", "--python", str(python(suite))]
    run(*install, *both, *MORE, "--group", group, "--editable", str(ROOT))


def run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    HOME.mkdir(exist_ok=True)
    for suite in GROUPS:
        print(f"Fetching the tests of {suite} {version(suite)} …", flush=True)
        prepare(suite)
