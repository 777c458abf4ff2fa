"""Whatever an output is: full, closed, left by its reader, a terminal, of few letters."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from fastapi_tasks import save

from ..processes import environment, run
from ..samples import checkout, random_timelines
from .shop import write_app


def test_a_reader_that_leaves_is_no_error(here: Path) -> None:
    save(random_timelines(2000, 3), "run.jsonl")
    shown = subprocess.run(
        f"{sys.executable} -m visualize show run.jsonl --all | head -1", shell=True, check=False,
        cwd=here, env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True, timeout=60,
    )  # fmt: skip
    assert shown.stderr == b""
    assert shown.stdout.count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "run.jsonl"),
        ("show", "run.jsonl", "--html", "-"),
        ("compare", "run.jsonl", "run.jsonl"),
        ("demo", "--no-open", "-o", "made"),
        ("record", "shop:app", "--port", "0"),
    ],
    ids=" ".join,
)
def test_an_output_that_takes_no_more_is_one_line(
    here: Path, run_jsonl: Path, arguments: tuple[str, ...]
) -> None:
    write_app(here)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "visualize", *arguments], cwd=here, env=environment(),
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if not line.startswith("INFO")]
    assert said == [
        "visualize: cannot write to standard output (no space left on device): send it elsewhere"
    ]
    assert done.returncode == 1


def test_an_output_that_was_closed_is_no_error(here: Path, run_jsonl: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m visualize show run.jsonl --html >&-", shell=True, check=False,
        cwd=here, env=environment(), stderr=subprocess.PIPE, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (here / "run.html").exists()


def test_long_work_is_announced_on_a_terminal(here: Path, run_jsonl: Path) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "visualize", "show", "run.jsonl", "--perfetto"],
        cwd=here, env=environment(), stdout=subprocess.PIPE, stderr=theirs,
        timeout=60, check=False,
    )  # fmt: skip
    os.close(theirs)
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    assert (done.returncode, done.stdout) == (0, b"written: run.perfetto.json\n")
    clear = "\r\033[K"
    assert said == (f"Reading run.jsonl …{clear}Making a trace for ui.perfetto.dev …{clear}")


def test_names_that_a_terminal_cannot_show_are_written_in_escapes(here: Path) -> None:
    timeline = checkout()
    timeline.tasks[0].name = "prüfe_zahlung"
    save(timeline, "run.jsonl")
    done = run("show", "run.jsonl", cwd=here, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "pr\\xfcfe_zahlung" in done.stdout
    assert done.stdout.isascii()
