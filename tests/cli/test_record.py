"""What `record` serves, says and saves, and the playground."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from fastapi_tasks import Recorder, Timeline, load
from fastapi_tasks.recorder import keeper_of
from visualize.cli import journal
from visualize.cli.journal import Journal

from ..processes import environment, line_with, running
from ..samples import checkout
from .shop import write_app


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_record_saves_what_happened_when_it_is_ended(here: Path, number: int) -> None:
    write_app(here)
    with running("record", "shop:app", "-o", "out.jsonl", "--port", "0", cwd=here) as process:
        line = line_with("runs on", process.stdout)
        url = line.split()[3].rstrip(",")
        address = line.split()[-1].removeprefix(url)
        assert line == f"shop:app runs on {url}, its live timeline on {url}{address}\n"
        assert line_with("", process.stdout) == "Recording into out.jsonl; Ctrl-C ends it.\n"
        with httpx.Client(trust_env=False, base_url=url) as client:
            assert client.get("/_timeline/").status_code == 401
            client.get(address)
            assert client.get("/_timeline/").status_code == 200
            assert client.get("/").json() == "ordered"
            assert client.get("/nowhere").status_code == 404
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    # As uvicorn's own command logs.
    assert {line.split()[0] for line in err.splitlines()} == {"INFO:"}
    *log, _, found, _, last = out.splitlines()
    assert found == "Nothing was found that made anything late or fail."
    assert [line.partition(" - ")[2] for line in log] == [
        '"GET /_timeline/ HTTP/1.1" 401 Unauthorized',
        f'"GET {address} HTTP/1.1" 303 See Other',
        '"GET /_timeline/ HTTP/1.1" 200 OK',
        '"GET / HTTP/1.1" 200 OK',
        '"GET /nowhere HTTP/1.1" 404 Not Found',
    ]
    assert last == "2 requests are in out.jsonl; python -m visualize show out.jsonl shows them."
    timelines = load("out.jsonl")
    assert [(one.title, one.status, len(one.tasks)) for one in timelines] == [
        ("GET / #1", 200, 1),
        ("GET /nowhere #2", 404, 0),
    ]
    assert timelines[0].tasks[0].outcome == "ok"
    assert sorted(file.name for file in here.glob("*.jsonl*")) == ["out.jsonl"]


EXITING = """
import asyncio
import sys
from fastapi import FastAPI

app = FastAPI()

@app.get("/")
async def home() -> None: ...

@app.get("/end")
async def end() -> None:
    async def leave():
        sys.exit(8)
    asyncio.create_task(leave())
    await asyncio.sleep(60)
"""


def test_an_app_that_ends_its_server_is_saved_and_its_exit_code_passed_on(here: Path) -> None:
    (here / "leaving.py").write_text(EXITING)
    # Not with warnings as errors: uvloop, left in its middle, would hang on one, also alone.
    with subprocess.Popen(
        [sys.executable, "-m", "visualize", "record", "leaving:app", "--port", "0"],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        encoding="utf-8",
    ) as process:  # fmt: skip
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        with httpx.Client(trust_env=False, base_url=url) as client:
            client.get("/")
            with suppress(httpx.HTTPError):
                client.get("/end")
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 8
    assert "2 requests are in run.jsonl" in out
    assert [one.path for one in load("run.jsonl")] == ["/", "/end"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_app_that_goes_to_another_folder_is_saved_where_it_was_told(
    here: Path, tmp_path_factory: pytest.TempPathFactory, workers: str
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write_app(here, extra=f"import os; os.chdir({str(elsewhere)!r})")
    asked = ("record", "shop:app", "--port", "0", "--workers", workers)
    with running(*asked, cwd=here) as process:
        line = line_with("runs on", process.stdout)
        httpx.get(line.split()[3].rstrip(","), trust_env=False)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert [one.title for one in load(here / "run.jsonl")] == ["GET / #1"]
    assert list(elsewhere.iterdir()) == []


def test_a_server_for_every_address_is_reached_on_this_machine(here: Path) -> None:
    write_app(here)
    with running("record", "shop:app", "--host", "0.0.0.0", "--port", "0", cwd=here) as process:
        line = line_with("runs on", process.stdout)
        assert line.split()[3].startswith("http://127.0.0.1:")
        assert httpx.get(line.split()[-1], trust_env=False).status_code == 303
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_record_writes_while_it_runs(here: Path) -> None:
    write_app(here)
    with running("record", "shop:app", "--port", "0", cwd=here) as process:
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        httpx.get(url, trust_env=False)
        part = here / "run.jsonl.part"
        while not part.read_bytes():
            assert process.poll() is None
        process.kill()
    assert [timeline.title for timeline in load(part)] == ["GET / #1"]


WORKING = """
import asyncio
from contextlib import asynccontextmanager

@asynccontextmanager
async def lifespan(app):
    work = asyncio.create_task(asyncio.sleep(60))
    yield
    work.cancel()
"""


@pytest.mark.parametrize("options", ["", "lifespan=lifespan"])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_record_without_a_request_leaves_the_old_file(
    here: Path, run_jsonl: Path, options: str, workers: str
) -> None:
    write_app(here, WORKING, options)
    before = run_jsonl.read_bytes()
    asked = ("record", "shop:app", "--port", "0", "--workers", workers)
    with running(*asked, cwd=here) as process:
        line_with("Recording", process.stdout)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "No request came, so nothing was written.\n")
    assert run_jsonl.read_bytes() == before
    assert not Path("run.jsonl.part").exists()


def test_a_task_that_comes_after_its_request_was_written_is_counted(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "QUIET", 0)
    monkeypatch.setattr(journal, "INTERVAL", 0.001)
    recorder = Recorder()
    with closing(Journal(recorder, Path("run.jsonl"))) as writer:
        timeline = Timeline(1, "http", "GET", "/", 0, recorder.clock())
        keeper_of(recorder).tell("request_start", timeline)
        timeline.request_end = recorder.clock()
        while not writer.count:
            pass
        keeper_of(recorder).tell("requested", timeline, checkout().tasks[0])
    assert (writer.count, writer.late) == (1, 1)
    assert load("run.jsonl") == [timeline]


def test_the_playground_is_served_until_ctrl_c(here: Path) -> None:
    with running("playground", cwd=here) as process:
        line = line_with("playground", process.stdout)
        url = line.split()[-1]
        assert line == f"Ctrl-C ends the playground, which is on {url}\n"
        with httpx.Client(trust_env=False, follow_redirects=True) as client:
            assert client.get(url.partition("?")[0]).status_code == 401
            assert client.get(url).status_code == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")
