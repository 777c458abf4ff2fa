"""Python for the browser, and the wheels that it imports, in one folder."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
LOCK = "pyodide-lock.json"
OWN = ("ipykernel", "piplite", "pyodide_kernel", "widgetsnbextension-4")
"""How the wheels begin that JupyterLite's kernel itself brings along."""
NEEDED = ("comm", "ipython", "jedi", "micropip", "packaging")
"""What that kernel needs."""
LAB = ("httpx", "ipywidgets")
"""What the lab and the playground need besides the project, of what is there for the browser."""
NOT_THERE = ("matplotlib", "numpy", "pillow", "widgetsnbextension")
"""What no wheel for the browser can be had of, or what the kernel brings itself."""
PROJECT = "fastapi-tasks-timeline"
LIMIT = 600
"""Seconds that a step may take."""


class BuildError(Exception):
    """Raised when something cannot be had. The message says what, and what to do."""


class MissingError(BuildError):
    """Raised when a package cannot be had here."""


def gather(project: Path, cache: Path, folder: Path) -> list[str]:
    """Put Python, the project and what it needs into `folder`; return the names of the wheels.

    What pip and npm bring is kept in `cache`. Raises BuildError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    info = _core(cache / "npm", folder)
    wheels = _wheels(project, cache / "wheels", info)
    for wheel in [*wheels, *_kernel_wheels()]:
        shutil.copy(wheel, folder)
    packages = {entry["name"]: entry for entry in map(_entry, sorted(folder.glob("*.whl")))}
    packages[PROJECT]["depends"] += LAB
    for entry in packages.values():
        entry["depends"] = [name for name in entry["depends"] if name in packages]
    (folder / LOCK).write_text(json.dumps({"info": info, "packages": packages}), encoding="utf-8")
    return list(packages)


def version() -> str:
    """Return the release of Pyodide that the installed kernel was made for. Raises BuildError."""
    if find_spec("jupyterlite_pyodide_kernel") is None:
        raise MissingError("JupyterLite is not installed: pip install -e '.[lite]'")
    from jupyterlite_pyodide_kernel.constants import PYODIDE_VERSION

    return str(PYODIDE_VERSION)


def run(*command: str, cwd: Path | None = None, failed: type[BuildError] = BuildError) -> str:
    """Return what a command prints. Raises `failed` with the end of what it said."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise failed(f"`{' '.join(command[:4])} …` failed:\n{said}")
    return done.stdout


def _core(cache: Path, folder: Path) -> dict[str, str]:
    """Unpack the core of the npm package, and return what its lock file says of the platform."""
    name = f"pyodide-{version()}.tgz"
    if not (cache / name).exists():
        if shutil.which("npm") is None:
            raise MissingError("npm is not there to bring Python for the browser: install Node.js")
        cache.mkdir(parents=True, exist_ok=True)
        package = f"pyodide@{version()}"
        run("npm", "pack", package, "--pack-destination", str(cache), failed=MissingError)
    with tarfile.open(cache / name) as packed:
        for file in (*CORE, LOCK):
            inside = packed.extractfile(f"package/{file}")
            assert inside is not None
            (folder / file).write_bytes(inside.read())
    info: dict[str, str] = json.loads((folder / LOCK).read_text(encoding="utf-8"))["info"]
    return info


def _wheels(project: Path, cache: Path, info: dict[str, str]) -> list[Path]:
    """Build the project's wheel, and have pip bring those it needs for the browser."""
    shutil.rmtree(cache / "own", ignore_errors=True)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", str(cache / "own"), str(project))
    (own,) = (cache / "own").glob("*.whl")
    shutil.rmtree(cache / "others", ignore_errors=True)
    python = "".join(info["python"].split(".")[:2])
    run(
        *pip, "download", "--only-binary=:all:", "--dest", str(cache / "others"),
        "--platform", f"pyemscripten_{info['abi_version']}_wasm32", "--python-version", python,
        "--implementation", "cp", "--abi", f"cp{python}", "--abi", "none", str(own), *NEEDED, *LAB,
        failed=MissingError,
    )  # fmt: skip
    return [one for one in (cache / "others").glob("*.whl") if not one.name.startswith(NOT_THERE)]


def _kernel_wheels() -> Iterator[Path]:
    import jupyterlite_pyodide_kernel

    place = "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static/pypi"
    for root in (Path(sys.prefix), *Path(jupyterlite_pyodide_kernel.__file__).parents[:5]):
        if (root / place).is_dir():
            return (one for one in (root / place).glob("*.whl") if one.name.startswith(OWN))
    raise BuildError(f"JupyterLite's kernel is installed without {place}: install it again")


def _entry(wheel: Path) -> dict[str, Any]:
    """What a lock file says of a wheel."""
    with zipfile.ZipFile(wheel) as packed:
        files = packed.namelist()
        (file,) = [name for name in files if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(packed.read(file).decode())
    return {
        "name": _normal(metadata["Name"]),
        "version": metadata["Version"],
        "file_name": wheel.name,
        "install_dir": "site",
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "package_type": "package",
        "imports": sorted(set(_imports(files))),
        "depends": sorted(set(_depends(metadata))),
        "unvendored_tests": False,
    }


def _imports(files: list[str]) -> Iterator[str]:
    for file in files:
        first, _, rest = file.partition("/")
        if rest and "." not in first and rest.endswith((".py", ".so")):
            yield first
        elif not rest and first.endswith(".py"):
            yield first.removesuffix(".py")


def _depends(metadata: Message) -> Iterator[str]:
    from packaging.requirements import Requirement

    there = {"extra": "", "sys_platform": "emscripten", "python_version": "3.14"}
    for line in metadata.get_all("Requires-Dist", []):
        one = Requirement(line)
        if one.marker is None or one.marker.evaluate(there):
            yield _normal(one.name)


def _normal(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)
