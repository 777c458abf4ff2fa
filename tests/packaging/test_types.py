"""Type checkers read the installed wheel's annotations, at their strictest, in a user's file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..processes import ROOT
from .environments import Environment, attempt, tool

pytestmark = [pytest.mark.packaging, pytest.mark.slow]

RIGHT = (ROOT / "tests" / "typed" / "right.py").read_text()
DRAWN = """
from matplotlib.axes import Axes

import fastapi_tasks
import visualize
from visualize import explain, plot, select, summary, text, to_html

version: str = fastapi_tasks.__version__ + visualize.__version__


def draw() -> str:
    timelines = select(recorder.timelines, "route:/ wait>1ms")
    findings = [str(finding) for finding in explain(timelines)]
    axes: Axes = plot(timelines)
    findings.append(str(axes))
    return "\\n".join([*findings, str(summary(timelines)), text(timelines), to_html(timelines)])
"""
WRONG = """
from fastapi_tasks import Tasks
from visualize import text


async def send_mail(to: str) -> None: ...


async def endpoint(tasks: Tasks) -> None:
    tasks.schedule(send_mail, 1)
    tasks.after_response.task(name="x").schedule(send_mail)
    text("run.jsonl")
"""


@pytest.fixture
def user(outside: Path) -> Path:
    """Files of somebody who installed the wheel."""
    (outside / "right.py").write_text(RIGHT + DRAWN)
    (outside / "wrong.py").write_text(WRONG)
    return outside


def test_mypy_strict(full: Environment, user: Path) -> None:
    mypy = [tool("mypy"), "--strict", "--python-executable", full.program("python")]
    done = attempt(*mypy, "right.py", cwd=user)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    done = attempt(*mypy, "wrong.py", cwd=user)
    assert "Found 3 errors" in done.stdout


def test_pyright_strict(full: Environment, user: Path) -> None:
    (user / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    pyright = [tool("pyright"), "--outputjson", "--pythonpath", full.program("python")]
    if attempt(tool("pyright"), "--version", cwd=user).returncode:
        pytest.skip("pyright cannot be had: its Python package fetches it from the npm registry")
    assert errors(attempt(*pyright, "right.py", cwd=user).stdout) == []
    assert errors(attempt(*pyright, "wrong.py", cwd=user).stdout) == [9, 10, 11]


def errors(output: str) -> list[int]:
    """Return the lines, from 0, in which pyright finds errors."""
    found = json.loads(output)["generalDiagnostics"]
    return [one["range"]["start"]["line"] for one in found if one["severity"] == "error"]
