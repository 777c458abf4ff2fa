"""The wheel, installed where nothing else is, does what README says."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from ..processes import ROOT, line_with
from .environments import Built, Environment, attempt, bare, run, tool

pytestmark = [pytest.mark.packaging, pytest.mark.slow]

SCRIPTS = ["fastapi-tasks-timeline", "tasks-timeline"]

SHOP = """
from fastapi import BackgroundTasks, FastAPI

app = FastAPI()


def send_mail(to: str) -> None: ...


@app.get("/orders")
async def order(later: BackgroundTasks) -> dict[str, str]:
    later.add_task(send_mail, "a@example.org")
    return {"status": "processing"}
"""


class TestThePlainInstall:
    """Brings the library; what needs more says what to install."""

    def test_imports_without_anything_else(self, plain: Environment) -> None:
        program = (
            "import fastapi_tasks, visualize, sys; "
            "print(fastapi_tasks.__version__ == visualize.__version__, "
            "{'matplotlib', 'uvicorn', 'httpx'} & sys.modules.keys())"
        )
        assert run(plain.program("python"), "-W", "error", "-c", program) == "True set()\n"

    @pytest.mark.parametrize("script", SCRIPTS)
    def test_the_demo_says_in_one_line_what_it_lacks(
        self, plain: Environment, outside: Path, script: str
    ) -> None:
        done = attempt(plain.program(script), "demo", "--no-open", cwd=outside)
        assert (done.returncode, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        assert "which is not installed: pip install 'fastapi-tasks-timeline[lab]'" in line
        assert "uvx 'fastapi-tasks-timeline[lab]'" in line
        assert list(outside.iterdir()) == []

    def test_an_old_recording_is_shown_without_anything_else(
        self, plain: Environment, full: Environment, outside: Path
    ) -> None:
        run(full.program("tasks-timeline"), "demo", "--no-open", "-o", outside)
        recording = outside / "timeline.json"
        shown = run(plain.program("tasks-timeline"), "show", recording, "--html")
        assert "written:" in shown
        assert "validate_payment" in run(plain.program("tasks-timeline"), "show", recording)


def test_uvx_runs_the_demo_from_the_wheel(built: Built, outside: Path) -> None:
    done = run(
        tool("uv"), "tool", "run", "--python", sys.executable, "--from", built.named("lab"),
        SCRIPTS[0], "demo", "--no-open", cwd=outside,
    )  # fmt: skip
    assert "△ print_invoice" in done
    assert {file.name for file in outside.iterdir()} == {
        *("timeline.html", "timeline.json", "timeline.png"),
    }


def test_pipx_runs_the_demo_from_the_wheel(
    built: Built, outside: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("pipx")
    done = run(
        tool("pipx"), "run", "--python", sys.executable, "--spec", built.named("lab"),
        SCRIPTS[1], "demo", "--no-open", cwd=outside, PIPX_HOME=str(home),
    )  # fmt: skip
    assert "△ print_invoice" in done
    assert (outside / "timeline.html").exists()


PLUGIN = """
from fastapi.testclient import TestClient
from shop import app


def test_order(timelines):
    with TestClient(app) as client:
        client.get("/orders")
    assert timelines.last.order == ["send_mail"]


def test_nothing_asks_for_it():
    pass
"""


def test_the_pytest_plugin_is_there_for_a_suite_that_asks(full: Environment, outside: Path) -> None:
    full.install("pytest")
    (outside / "shop.py").write_text(SHOP)
    (outside / "test_shop.py").write_text(PLUGIN)
    done = run(full.program("python"), "-m", "pytest", "-q", "--timeline=on", cwd=outside)
    assert "2 passed" in done
    assert len(list(outside.glob("timelines/*.html"))) == 1


def test_the_first_commands_of_readme_are_enough(outside: Path) -> None:
    text = (ROOT / "README.md").read_text()
    demo, record = re.findall(r"^uvx? .*tasks-timeline (?:demo|record shop:app)$", text, re.M)
    done = run(
        tool("uv"), "tool", "run", *shlex.split(demo)[1:], "--no-open", "-o", outside, cwd=ROOT
    )
    assert "△ print_invoice" in done
    command = shlex.split(record.replace("/path/to/this/clone", str(ROOT)))[1:]
    recorded([tool("uv"), *command], outside)
    assert "send_mail" in (outside / "run.jsonl").read_text()


@pytest.mark.parametrize(
    ("example", "shown"),
    [
        ("checkout.py", "in the order of their start: validate_payment, write_audit, "),
        ("testing.py", "2 passed"),  # reads no settings but its own, wherever it lies
    ],
)
def test_an_example_runs_with_one_command(example: str, shown: str) -> None:
    assert shown in run(
        tool("uv"), "run", "--python", sys.executable, ROOT / "examples" / example, cwd=ROOT
    )


def test_help_names_the_script_that_was_called(full: Environment) -> None:
    for script in SCRIPTS:
        assert f"example: {script} demo" in run(full.program(script), "--help")
    module = run(full.program("python"), "-m", "visualize", "--help")
    assert "example: python -m visualize demo" in module


def test_record_serves_an_app_that_knows_nothing_of_it(full: Environment, outside: Path) -> None:
    assert recorded([full.program("tasks-timeline"), "record", "shop:app"], outside) == ""
    shown = run(full.program("tasks-timeline"), "show", "run.jsonl", cwd=outside)
    assert "send_mail" in shown
    assert "background" in shown


def recorded(command: list[str | Path], place: Path) -> str:
    """Record a shop in this folder for one request; return what is left on stderr but its log."""
    (place / "shop.py").write_text(SHOP)
    with subprocess.Popen(
        [*command, "--port", "0"], cwd=place, env=bare(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            address = line_with("shop:app runs on", process.stdout).split("runs on ")[1]
            address = address.partition(",")[0]
            assert urllib.request.urlopen(f"{address}/orders", timeout=10).status == 200
            process.send_signal(signal.SIGINT)
            line_with("1 request is in run.jsonl; tasks-timeline show", process.stdout)
            said = process.communicate(timeout=20)[1]
            assert process.returncode == 0
        finally:
            process.kill()
    return "".join(line for line in said.splitlines() if "INFO" not in line)


def test_a_namesake_that_is_installed_beside_it_is_named(
    built: Built, namesake: Path, outside: Path
) -> None:
    environment = Environment.make(outside / "env", namesake)
    # The other was there first, as in a project that moves; both own the import name.
    environment.install(built.wheel)
    program = "import fastapi, fastapi_tasks; fastapi_tasks.add_tasks(fastapi.FastAPI())"
    done = attempt(environment.program("python"), "-c", program)
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("the distribution fastapi-tasks 0.1.7 is installed beside this one")
    assert "uninstall both, then install fastapi-tasks-timeline" in line
    run(tool("uv"), "pip", "uninstall", "--quiet", "--python", environment.program("python"),
        "fastapi-tasks")  # fmt: skip
    done = attempt(environment.program("python"), "-c", program)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def namesake(tmp_path: Path) -> Path:
    """The wheel of a distribution that is named fastapi-tasks, and owns a file of that package."""
    import zipfile

    info = "fastapi_tasks-0.1.7.dist-info"
    files = {
        "fastapi_tasks/of_the_other.py": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: fastapi-tasks\nVersion: 0.1.7\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    path = tmp_path / "fastapi_tasks-0.1.7-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, content)
    return path
