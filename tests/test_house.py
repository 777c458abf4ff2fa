"""§13: no circles, facts declared once, public is what is documented."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fastapi_tasks
from fastapi_tasks import Recorder, Task, TaskConfig
from fastapi_tasks.tasks import TasksBatch, TasksScheduler

from .processes import ROOT

PACKAGES = ["fastapi_tasks", "visualize"]

Imports = dict[str, set[str]]


def modules(package: str) -> dict[str, Path]:
    """The modules of a package, by their dotted names."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imported(name: str, path: Path, known: set[str]) -> Iterator[tuple[str, str | None]]:
    """Which module a module imports, anywhere in it, and which name of that."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield one.name, None
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) + 1 - node.level]) if node.level else ""
            source = ".".join(part for part in (base, node.module) if part)
            for one in node.names:
                inner = f"{source}.{one.name}"
                # `from package import module` needs the module, not what else the package has.
                yield (inner, None) if inner in known else (source, one.name)


def graph(package: str) -> Imports:
    known = modules(package)
    return {
        name: {one for one, _ in imported(name, path, set(known)) if one in known and one != name}
        for name, path in known.items()
    }


def circle(imports: Imports) -> list[str]:
    """A way along imports that ends where it began; none where there is no such way."""
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for one in sorted(imports[name]):
            found = walk(one, [*way, name])
            if found:
                return found
        done.add(name)
        return []

    for name in sorted(imports):
        if found := walk(name, []):
            return found
    return []


class TestImports:
    @pytest.mark.parametrize("package", PACKAGES)
    def test_go_in_no_circle(self, package: str) -> None:
        imports = graph(package)
        assert len(imports) > 20
        assert any(imports.values())
        assert circle(imports) == []

    def test_a_circle_would_be_found(self) -> None:
        assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
        assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []

    def test_those_that_only_a_type_checker_follows_count_too(self, tmp_path: Path) -> None:
        path = tmp_path / "pack" / "one.py"
        path.parent.mkdir()
        path.write_text(
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .two import Two\n"
            "def later():\n    from . import three\n    import pack.four\n"
        )
        known = {"pack.one", "pack.two", "pack.three", "pack.four"}
        found = {one for one, _ in imported("pack.one", path, known)}
        assert found & known == known - {"pack.one"}

    def test_of_the_recording_side_never_come_from_the_painting_side(self) -> None:
        known = modules("fastapi_tasks")
        for name, path in known.items():
            sources = {one.partition(".")[0] for one, _ in imported(name, path, set(known))}
            assert not sources & {"visualize", "tests", "matplotlib", "uvicorn", "httpx"} - (
                {"httpx"} if name.startswith("fastapi_tasks.watch") else set()
            ), name


PUBLIC = {
    "fastapi_tasks",
    "fastapi_tasks.tasks",
    "fastapi_tasks.errors",
    "fastapi_tasks.timeline",
    "fastapi_tasks.facts",
    "fastapi_tasks.nesting",
    "fastapi_tasks.files",
    "fastapi_tasks.recording",
}
"""What `visualize` may import: the API, the facts with what is derived from them, and files."""


def test_visualize_uses_public_names_only() -> None:
    known = modules("visualize")
    used = {
        (one, what)
        for name, path in known.items()
        for one, what in imported(name, path, {*known, *modules("fastapi_tasks")})
        if one.partition(".")[0] == "fastapi_tasks"
    }
    assert len(used) > 10
    assert {one for one, _ in used} <= PUBLIC
    names = {what for _, what in used} - {"__version__"}
    assert [what for what in names if what is None or what.startswith("_")] == []


class TestWhatAUserMayCall:
    def public(self, thing: Any) -> set[str]:
        return {name for name in dir(thing) if not name.startswith("_")}

    def test_of_a_recorder(self) -> None:
        names = {
            *("clear", "clock", "dropped", "enabled", "ignore", "last", "maxlen", "open"),
            *("settled", "subscribe", "timelines", "wait_settled", "watching"),
        }
        assert self.public(Recorder) == names
        assert self.public(Recorder()) == names

    def test_of_a_task(self) -> None:
        assert self.public(Task) == {
            *("func", "args", "kwargs", "config", "started", "name", "outcome"),
        }

    def test_of_schedulers_and_settings(self) -> None:
        assert self.public(TasksBatch) == {"schedule", "task"}
        assert self.public(TasksScheduler) == {"schedule", "task", "after_route", "after_response"}
        assert self.public(TaskConfig) >= {"name", "shield", "on_error", "merge", "shielded"}

    def test_is_what_the_package_says(self) -> None:
        said = set(fastapi_tasks.__all__) - {"__version__"}
        modules_of_it = {name.rpartition(".")[2] for name in modules("fastapi_tasks")}
        here = {name for name in dir(fastapi_tasks) if not name.startswith("_")}
        assert here - modules_of_it - {"annotations", "TYPE_CHECKING"} == said - modules_of_it
        assert sorted(fastapi_tasks.__all__) == fastapi_tasks.__all__

    @pytest.mark.parametrize("thing", [Recorder, Task, TaskConfig, TasksBatch, TasksScheduler])
    def test_says_what_it_does(self, thing: Any) -> None:
        for name in self.public(thing):
            if name not in getattr(thing, "__dataclass_fields__", {}):
                assert (getattr(thing, name).__doc__ or "").strip(), name


NEW = """
from fastapi_tasks import Span, TaskRecord, Timeline, from_json, to_json
from fastapi_tasks.facts import moments, told, values
from fastapi_tasks.timeline import MODES, OUTCOMES
import json
from visualize import theme, to_html
from visualize.columns import FORMAT, RECORDS, encode

# The looks of the new mode: what is fact follows by itself.
for colors in theme.COLORS.values():
    colors["nightly"] = colors["immediate"]

task = TaskRecord("mail", "nightly", 1, 2, 3, 4, "postponed")
timeline = Timeline(
    1, "http", "GET", "/", 0, 0, request_end=9, tasks=[task], weather="rain", noticed=5
)
(back,) = from_json(to_json(timeline))
header, columns = encode([timeline])
page = to_html([timeline])
print(json.dumps({
    "json": json.loads(to_json(timeline)),
    "back": back == timeline,
    "told": told(timeline),
    "moment": "noticed" in moments(Timeline),
    "value": "weather" in values(Timeline),
    "last": timeline.last,
    "modes": MODES[-1],
    "outcomes": OUTCOMES[-1],
    "records": RECORDS["requests"],
    "values": header["values"],
    "fields": FORMAT["VALUES"]["requests"] + FORMAT["TIMES"]["requests"],
    "times": FORMAT["TIMES"]["requests"],
    "page": [word in page for word in ("weather", "noticed")],
}))
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What copies of the packages say when a field, a moment, a mode and an outcome are new."""
    where = tmp_path_factory.mktemp("changed")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, where / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    facts = where / "fastapi_tasks" / "timeline.py"
    text = facts.read_text()
    for old, new in (
        ('"spawned"]', '"spawned", "nightly"]'),
        ('"timeout"]', '"timeout", "postponed"]'),
        (
            "    tasks_dropped: int = 0\n",
            "    weather: str | None = None\n"
            "    noticed: int | None = field(default=None, metadata=MOMENT)\n"
            "    tasks_dropped: int = 0\n",
        ),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    facts.write_text(text)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", NEW],
        cwd=where, env={**os.environ, "PYTHONPATH": str(where)}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


class TestAFactIsDeclaredOnce:
    """A new one, written in one place of a copy, arrives everywhere."""

    def test_in_json_and_back(self, changed: dict[str, Any]) -> None:
        line = changed["json"]
        assert (line["weather"], line["noticed"]) == ("rain", 5)
        assert (line["tasks"][0]["mode"], line["tasks"][0]["outcome"]) == ("nightly", "postponed")
        assert changed["back"]

    def test_in_the_lists_of_all_there_are(self, changed: dict[str, Any]) -> None:
        assert (changed["modes"], changed["outcomes"]) == ("nightly", "postponed")
        assert changed["moment"]
        assert changed["value"]

    def test_in_what_is_derived_from_moments(self, changed: dict[str, Any]) -> None:
        assert changed["last"] == 9
        assert changed["told"]["noticed"] == 5

    def test_in_the_columns(self, changed: dict[str, Any]) -> None:
        assert (changed["records"]["weather"], changed["records"]["noticed"]) == ("value", "time")
        assert {"rain", "nightly", "postponed"} <= set(changed["values"])

    def test_in_the_page(self, changed: dict[str, Any]) -> None:
        assert {"weather", "noticed"} <= set(changed["fields"])
        assert "noticed" in changed["times"]
        assert "weather" not in changed["times"]
        assert changed["page"] == [True, True]
