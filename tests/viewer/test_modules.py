"""The viewer's modules without a browser: under `node --test`, and checked by TypeScript."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from fastapi_tasks import harmless
from fastapi_tasks.recording import to_json
from tests.npm import from_npm
from tests.samples import MS, checkout, late, random_timelines, repeating, watched
from visualize import summary, words
from visualize.columns import FORMAT, pack
from visualize.joining import ModuleError, joined

HERE = Path(__file__).parent
NODE = 20
NAMES = ["send_mail", "a\x00b\x1b[31m", "\u202eevil", "line\nbreak\ttab", "\u2028"]
NAMES += ["📦", "é", "\ufffe"]

DURATIONS = [0, 1, 999, 1000, 1234, 12_600_000, 59_900_000_000, 95_000_000_000, -5_000_000]
DURATIONS += [3 * 3600 * 10**9, 3600 * 10**9 + 61 * 10**9, 26 * 3600 * 10**9]


RECORDINGS = {
    "one": [checkout()],
    "watched": [watched(n, n * 50 * MS) for n in range(1, 6)],
    "repeating": [repeating()],
    "sixty": random_timelines(60, 5),
    "many": random_timelines(400, 5),
    "many tasks": random_timelines(3, 60),
    "held": [checkout(), late()],
}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cases = json.loads((HERE.parent / "filter_cases.json").read_text("utf-8"))
    told = {
        "format": FORMAT,
        "spans": words.SPAN_WORDS,
        "filters": cases,
        "durations": [[ns, words.duration(ns)] for ns in DURATIONS],
        "names": [[name, harmless(name)] for name in NAMES],
        "recordings": [
            {
                "name": name,
                "packed": pack(recording),
                "lines": "".join(map(to_json, recording)),
                "summary": asdict(summary(recording)),
            }
            for name, recording in RECORDINGS.items()
        ],
    }
    file = tmp_path_factory.mktemp("viewer") / "samples.json"
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


def test_the_modules_do_what_their_tests_say(samples: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.lstrip("v").split(".")[0]) < NODE:
        pytest.skip(f"node {version.stdout.strip()} is older than {NODE}")
    run = subprocess.run(
        [node, "--experimental-default-type=module", "--test", *map(str, HERE.glob("*.test.js"))],
        capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"VIEWER_SAMPLES": str(samples)},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]


def test_the_types_hold() -> None:
    compiler = from_npm(".bin/tsc")
    run = subprocess.run(
        [compiler, "--project", str(HERE)], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.stdout + run.stderr == ""
    assert run.returncode == 0


def test_all_modules_are_joined_in_the_order_of_what_they_need() -> None:
    module = joined("file")
    for name in (
        "function duration",
        "function parse",
        "class Scene",
        "class Painter",
        "function open",
    ):
        assert module.count(f"\n{name}") == 1
    assert (
        module.index("function duration") < module.index("class Painter") < module.index("\nopen(")
    )
    assert "// The page: puts the pieces together" not in module


def test_each_form_of_the_page_carries_what_it_needs() -> None:
    def has(form: str) -> list[bool]:
        script = joined(form)
        names = ("function readColumns", "class Compare", "class Live", "class Files")
        return [name in script for name in names]

    assert has("file") == [True, False, False, True]
    assert has("compared") == [True, True, False, True]
    assert has("timeline") == [False, False, True, False]
    assert has("later") == [False, False, False, True]


def test_a_script_exports_what_its_first_module_does() -> None:
    modules = {
        "a": 'import { b } from "./b.js";\nexport const one = b;\nexport function two() {}\n'
    }
    modules["b"] = "export const b = 1;\n"
    script = joined("a", lambda name: modules[name[:-3]])
    assert script.startswith("export const { one, two } = (() => {\nconst b = 1;\n")
    assert script.endswith("\nreturn { one, two };\n})();\n")


def test_what_nothing_names_stays_at_home() -> None:
    modules = {
        "a": 'import { used, idle } from "./b.js";\nused();\n',
        "b": (
            "const DEEP = 1;\nexport function used() {\n\treturn DEEP;\n}\n"
            "export function idle() {\n\treturn alone();\n}\nconst alone = () => idle();\n"
            "const [LEFT, RIGHT] = [1, 2];\nqueueMicrotask(() => RIGHT);\n"
        ),
    }
    assert joined("a", lambda name: modules[name[:-3]]) == (
        "(() => {\nconst DEEP = 1;\nfunction used() {\nreturn DEEP;\n}\n"
        "const [LEFT, RIGHT] = [1, 2];\nqueueMicrotask(() => RIGHT);\nused();\n})();\n"
    )


def test_what_cannot_be_joined_is_refused() -> None:
    def refused(**modules: str) -> str:
        with pytest.raises(ModuleError) as caught:
            joined("a", lambda name: modules[name[:-3]])
        return str(caught.value)

    circle = 'import { b } from "./b.js";\n', 'import { a } from "./a.js";\n'
    assert refused(a=circle[0], b=circle[1]) == "the modules import each other: a → b → a"
    assert "cannot be joined: export default" in refused(a="export default 1;\n")
    assert "cannot be joined: import x" in refused(a='import x from "y";\n')
    twice = 'import { b } from "./b.js";\nconst of = b;\n', "export const [b, of] = [1, 2];\n"
    assert refused(a=twice[0], b=twice[1]).startswith("of is there twice, in b.js and in a.js")
