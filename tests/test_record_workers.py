"""Several workers under `record`: one socket, one file, one Ctrl-C."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest

from fastapi_tasks import load

from .processes import line_with, run, running

APP = """
import os
from fastapi import BackgroundTasks, FastAPI

app = FastAPI()

async def later():
    pass

@app.get("/")
async def home(tasks: BackgroundTasks) -> int:
    tasks.add_task(later)
    return os.getpid()

@app.get("/die")
async def die() -> None:
    os.kill(os.getpid(), 9)
"""

WORKERS = ("record", "shop:app", "--port", "0", "--workers", "2")


def asked(url: str) -> list[int]:
    """Ask until both have answered; return who has."""
    pids: list[int] = []
    while len(set(pids)) < 2:
        # Each time on a connection of its own: the system gives it to one of them.
        pids.append(httpx.get(url, trust_env=False).json())
        assert len(pids) < 500
    return pids


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_all_are_recorded_into_one_file(number: int, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    with running(*WORKERS, cwd=tmp_path) as process:
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        pids = asked(url)
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert f"{len(pids)} requests are in run.jsonl" in out
    timelines = load(tmp_path / "run.jsonl")
    assert [one.process for one in timelines] == pids
    assert process.pid not in pids
    starts = [one.request_start for one in timelines]
    assert starts == sorted(starts)
    assert all(one.wall == one.request_start for one in timelines)
    assert [task.name for one in timelines for task in one.tasks] == ["later"] * len(pids)
    assert [one.name for one in tmp_path.glob("run*")] == ["run.jsonl"]


def test_what_one_has_written_before_it_dies_stays(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    with running(*WORKERS, cwd=tmp_path) as process:
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        pids = asked(url)
        while sum(len(one.read_bytes().splitlines()) for one in tmp_path.glob("run*/*")) < len(
            pids
        ):
            assert process.poll() is None
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"{url}/die", trust_env=False)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "ended with code -9" in errors
    assert [one.process for one in load(tmp_path / "run.jsonl")] == pids


def test_an_app_that_does_not_start_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("import nowhere")
    done = run(*WORKERS, cwd=tmp_path)
    first, last = done.stderr.splitlines()
    assert "importing shop failed: ModuleNotFoundError" in first
    assert last == "visualize: no worker started"
    assert done.returncode == 1
    assert list(tmp_path.glob("run*")) == []


def test_what_stands_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    done = run("record", "shop:app", "--port", "0", "--workers", "0", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "visualize: 0 workers serve nobody: give a number from 1\n"
    done = run("record", "shop:app", "--port", "0", "--workers", "1000000", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("visualize: 1000000 workers would leave this machine no room")
    assert list(tmp_path.iterdir()) == [tmp_path / "shop.py"]
    (tmp_path / "run.jsonl").write_text("mine")
    done = run(*WORKERS, cwd=tmp_path)
    assert done.returncode == 2
    assert "run.jsonl is there and holds no recording of ours" in done.stderr


def test_nothing_is_lost_to_a_torn_line_or_to_what_has_come_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    with running(*WORKERS, cwd=tmp_path) as process:
        url = line_with("runs on", process.stdout).split()[3].rstrip(",")
        pids = asked(url)
        written: list[Path] = []
        while len(written) < 2:
            written = [one for one in tmp_path.glob("run*/*") if one.read_bytes()]
            assert process.poll() is None
        with written[0].open("ab") as file:
            file.write(b'{"format":1,"id":')
        (tmp_path / "run.jsonl").write_text("precious")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (tmp_path / "run.jsonl").read_text() == "precious"
    assert process.returncode == 2
    assert "run.jsonl is there and holds no recording of ours" in errors
    folder = Path(errors.rsplit("the recordings are in ", 1)[1].strip())
    kept = b"".join(one.read_bytes() for one in (tmp_path / folder).iterdir())
    assert kept.count(b'{"format":1,"id":') == len(pids) + 1
