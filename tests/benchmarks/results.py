"""What was measured: plain data, and the committed file that holds it."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("results.json")
FORMAT = 1

Row = dict[str, float]
Data = dict[str, Any]

PACKAGES = (
    "fastapi", "starlette", "anyio", "pydantic", "uvicorn", "uvloop", "matplotlib", "playwright"
)  # fmt: skip


@dataclass
class Subject:
    """One table: a row for each case, a column for each contender or quantity.

    `unit` is what the numbers are, in the reader's words; `notes` say what is missing and why.
    """

    unit: str
    columns: list[str]
    rows: dict[str, Row] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    date: str = field(default_factory=lambda: time.strftime("%Y-%m-%d", time.gmtime()))


Results = dict[str, Subject]


def read(file: Path = FILE) -> Data:
    """Read the committed file: machine, versions and subjects. Raises ValueError if it is odd."""
    data: Data = json.loads(file.read_text())
    if data["format"] != FORMAT:
        raise ValueError(f"{file} has format {data['format']}, this reads {FORMAT}: measure anew")
    return data


def load(file: Path = FILE) -> Results:
    """Return the committed results; none if there is no file yet."""
    if not file.exists():
        return {}
    return {name: Subject(**subject) for name, subject in read(file)["subjects"].items()}


def save(results: Results, file: Path = FILE) -> None:
    """Write the results, the machine and the versions."""
    subjects = {name: asdict(subject) for name, subject in results.items()}
    data = {"format": FORMAT, "machine": machine(), "versions": versions(), "subjects": subjects}
    file.write_text(_compact(data) + "\n")


def machine() -> dict[str, Any]:
    """Tell what kind of machine this is, and not which."""
    return {"cores": os.cpu_count(), "cpu": _cpu(), "system": platform.system()}


def versions() -> dict[str, str]:
    """Name the versions of Python and of the packages that the numbers depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or "unknown")


def _compact(value: Any, indent: str = "") -> str:
    """Write JSON with one line for each innermost object, so that a diff shows one case a line."""
    if not isinstance(value, dict) or not any(isinstance(v, dict | list) for v in value.values()):
        return json.dumps(value, ensure_ascii=False)
    inner = indent + " "
    items = [
        f"{inner}{json.dumps(k, ensure_ascii=False)}: {_compact(v, inner)}"
        for k, v in value.items()
    ]
    return "{\n" + ",\n".join(items) + f"\n{indent}}}"
