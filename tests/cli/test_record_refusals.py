"""What `record` cannot do: it says so in one line, and leaves all as it was."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import httpx
import pytest

from visualize.lab.sockets import bind

from ..processes import line_with, run, running
from .shop import write_app

FAILING = """
from contextlib import asynccontextmanager

@asynccontextmanager
async def lifespan(app):
    raise LookupError("no database")
    yield
"""


@pytest.mark.parametrize(
    ("name", "app", "complaint"),
    [
        (
            "store:app",
            {},
            "there is no module store in {here} or among the installed packages: "
            "run this in the folder that holds it",
        ),
        ("shop:nothing", {}, "module shop has no nothing: give the name of its app"),
        (
            "shop:number",
            {},
            "shop:number is of type int, not an ASGI app: give the name of the app, "
            "or of a function without arguments that makes it",
        ),
        (
            "shop:app",
            {"extra": "1 / 0"},
            "importing shop failed: ZeroDivisionError: division by zero ({here}/shop.py, line 5)",
        ),
        (
            "shop:app",
            {"extra": "import nowhere"},
            "importing shop failed: ModuleNotFoundError: No module named 'nowhere' "
            "({here}/shop.py, line 5)",
        ),
        (
            "shop:app",
            {"extra": "import os; os.environ['NO_SUCH_SETTING']"},
            "importing shop failed: KeyError: 'NO_SUCH_SETTING' ({here}/shop.py, line 5)",
        ),
        (
            "shop:app",
            {"extra": "import uvicorn; uvicorn.run(FastAPI(), port=0)"},
            "shop serves its app itself as soon as it is imported, where nothing is recorded: "
            'put its uvicorn.run() under `if __name__ == "__main__":`',
        ),
    ],
)
def test_an_app_that_cannot_be_served_is_one_line(
    here: Path, name: str, app: dict[str, str], complaint: str
) -> None:
    write_app(here, **app)
    done = run("record", name, "--port", "0", cwd=here)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"visualize: {complaint.format(here=here)}\n"
    assert not (here / "run.jsonl.part").exists()


def test_of_an_app_in_src_it_is_said_where_to_run(here: Path) -> None:
    (here / "src").mkdir()
    write_app(here / "src")
    done = run("record", "shop:app", "--port", "0", cwd=here)
    assert done.stderr.endswith("run this in the folder that holds it, which is src\n")


def test_of_a_lifespan_that_fails_the_whole_traceback_is_shown(here: Path) -> None:
    write_app(here, extra=FAILING, options="lifespan=lifespan")
    done = run("record", "shop:app", "--port", "0", cwd=here)
    assert (done.returncode, done.stdout) == (1, "")
    assert f'File "{here}/shop.py", line 10, in lifespan' in done.stderr
    assert done.stderr.endswith(
        "visualize: the app did not start (LookupError: no database): look at its lifespan\n"
    )
    assert not (here / "run.jsonl.part").exists()


def test_a_taken_port_is_one_line(here: Path) -> None:
    write_app(here)
    with bind() as taken:
        port = taken.getsockname()[1]
        done = run("record", "shop:app", "--port", str(port), cwd=here)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"visualize: port {port} on 127.0.0.1 is taken by another program: "
        "give another port, or 0 for a free one\n"
    )


def test_a_place_that_cannot_be_written_is_told_before_the_app_is_served(here: Path) -> None:
    write_app(here)
    done = run("record", "shop:app", "--port", "0", "-o", "no/where.jsonl", cwd=here)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "visualize: cannot write no/where.jsonl (no such file or directory): give another place\n"
    )


def test_the_part_of_another_recording_is_left_alone(here: Path) -> None:
    write_app(here)
    (here / "run.jsonl.part").write_text("precious")
    done = run("record", "shop:app", "--port", "0", cwd=here)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "visualize: run.jsonl.part is there: another recording is running, or one was cut short. "
        "Wait for it, or look at the file and move it away\n"
    )
    assert (here / "run.jsonl.part").read_text() == "precious"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs a limit on file sizes")
def test_a_full_disk_is_told_at_the_end(here: Path) -> None:
    write_app(here)
    with running("record", "shop:app", "--port", "0", cwd=here) as process:
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100, 100))
        assert httpx.get(url, trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.endswith(
        "\nvisualize: cannot write run.jsonl.part (file too large): give another place\n"
    )
