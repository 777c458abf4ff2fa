"""Each example runs with one command, and shows what its first line says."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .processes import ROOT, environment

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

SHOWN = {
    "chat_websocket": [r"^3 so far$", r"^● save 3 +immediate", r"^after the close: summarise$"],
    "checkout": [
        r"^● validate_payment +immediate",
        r"^△ print_label +after_response",
        r"^in the order of their start: validate_payment, write_audit, ",
    ],
    "opentelemetry_spans": [
        r"^mail +below order, mode after_response, UNSET$",
        r"^smtp +below mail, ",
        r"^stock +below order, mode after_response, ERROR$",
    ],
    "outbox": [
        r"^pen: 200, ok$",
        r"^unicorn: 409, discarded$",
        r"^killed before it handed over: \['book'\] waits$",
        r"^ink: 200, ok$",
        r"^sent: pen, book, ink; 0 left$",
    ],
    "prometheus_metrics": [
        r'^response_seconds_count\{route="/orders/\{number\}"\} 5.0$',
        r'^response_seconds_sum\{route="/orders/\{number\}"\} 0\.\d',
        r'^task_run_seconds_sum\{mode="after_response",task="send_mail"\} 1\.\d',
        r'^tasks_ended_total\{mode="after_response",outcome="ok",task="send_mail"\} 5\.0$',
    ],
    "retry_with_stamina": [r"^3 tries in \d+ ms, ok$"],
    "server_timing": [r'^dependency;desc="get_session";dur=\d\d', r"^total;dur=\d\d"],
    "sqlalchemy_commit": [
        r"default scope: the task read the old state$",
        r'scope="function":  the task read the new state$',
        r"^ +SQL COMMIT ",
    ],
    "streaming": [
        r"^/export: before the body, from the body, after the body$",
        r"^/events: the reader is gone$",
    ],
    "taskiq_after_commit": [
        r"^pen: 200, hand over ok$",
        r"^unicorn: 409, hand over discarded$",
        r"^invoices: pen: 1 order$",
    ],
    "testing": [r"^2 passed"],
    "your_app_unchanged": [
        r"^ +dependency get_session ",
        r"^▽ send_mail ",
        r"your_app_unchanged\.py:\d+ in\s+update_search$",
        r"^\* `BackgroundTasks` of POST /orders ran one after another",
    ],
}


def test_all_that_there_are_are_listed() -> None:
    assert {file.stem for file in EXAMPLES} == set(SHOWN)


@pytest.mark.slow
@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_it_shows_what_it_is_for(file: Path, tmp_path: Path) -> None:
    if file.stem == "streaming":
        pytest.importorskip("fastapi.sse", reason="this FastAPI has no server-sent events")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file)], cwd=tmp_path, env=environment(),
        capture_output=True, encoding="utf-8", timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    for line in SHOWN[file.stem]:
        assert re.search(line, done.stdout, re.MULTILINE), f"{line}\n{done.stdout}"


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_its_head_says_how_to_run_it_and_names_all_that_it_imports(file: Path) -> None:
    text = file.read_text()
    tree = ast.parse(text)
    assert f"uv run examples/{file.name}" in (ast.get_docstring(tree) or "")
    settings = re.match(r"# /// script\n((?:#.*\n)+?)# ///\n", text)
    assert settings
    script = tomllib.loads(re.sub(r"^# ?", "", settings[1], flags=re.MULTILINE))
    assert script["requires-python"] == PROJECT["requires-python"]
    assert script["tool"]["uv"]["sources"] == {"fastapi-tasks-timeline": {"path": ".."}}
    named = {re.split(r"[\[<>=]", one)[0].replace("-", "_") for one in script["dependencies"]}
    brought = {"fastapi", "fastapi_tasks", "starlette", "visualize"}
    needed = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else names(node))
    }
    foreign = needed - brought - set(sys.stdlib_module_names)
    # Starlette's test client needs httpx2 beside it.
    unseen = {"fastapi_tasks_timeline", "httpx2"}
    assert foreign == {one.removesuffix("_sdk") for one in named} - unseen
    assert ("TestClient" in text) == ("httpx2" in named)


def names(node: ast.Import) -> list[str]:
    return [one.name for one in node.names]


def test_readme_lists_each() -> None:
    listed = re.findall(r"\]\((\w+\.py)\)", (ROOT / "examples" / "README.md").read_text())
    assert sorted(listed) == [file.name for file in EXAMPLES]
