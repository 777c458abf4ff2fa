"""`show`: what matters most on one screen, and all of each thing for who asks."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_tasks import TaskRecord, Timeline, load, save
from tests.processes import Command, environment
from tests.runs import Shop, run
from tests.samples import checkout, random_timelines
from tests.strategies import recordings, unhurried
from visualize import explain, select, summary, text, to_html, to_mermaid
from visualize.answers.together import Answers, slowness
from visualize.terminal.cells import columns
from visualize.terminal.pens import pen_for
from visualize.terminal.screen import screen

SHOP = run(1, Shop(hold=40), requests=300)


@pytest.fixture
def command(command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command in a folder that holds a shop's recording."""
    monkeypatch.setenv("LINES", "50")
    save(SHOP, "run.jsonl")
    return command


def shown(command: Command, *arguments: str) -> str:
    code, out, err = command("show", "run.jsonl", *arguments)
    assert (code, err) == (0, "")
    return out


# One screen ----------------------------------------------------------------------------------

SMALL = """\
run.jsonl: 2 requests in 102 ms, 12 tasks

      cost  what was late or failed, and why
   14.4 ms  notify_shipping (after_response) failed both times with ConnectionError, first in POST
            /checkout #1
            → its traceback is in the log; `on_error=` is told of each

request         n  errors                p50      p95      p99      max  held
POST /checkout  2       0  response  12.6 ms  12.6 ms  12.6 ms  12.6 ms     –
"""


def test_a_screen_says_how_much_there_is_then_why_then_the_numbers(command: Command) -> None:
    save([checkout(1), checkout(2, at=60_000_000)], "run.jsonl")
    assert shown(command).startswith(SMALL)


def test_the_slowest_follow_and_how_to_see_the_rest(command: Command) -> None:
    out = shown(command)
    slowest = Answers.of(load("run.jsonl")).slowest(1)
    assert text(slowest, width=100).splitlines()[0] in out.splitlines()
    assert "the slowest 3, by its response or by the wait of a task" in out
    assert out.splitlines()[-1] == (
        "more: --slowest 9 · --all (300 timelines) · --where 'wait>50ms' · --html"
    )


def test_what_the_app_did_in_its_lifespan_is_no_request(command: Command) -> None:
    worker = TaskRecord("worker", "spawned", 0, 0, 50_000_000, 90_000_000, "cancelled")
    lifespan = Timeline(-1, "lifespan", "lifespan", "of the app", 0, 0, request_end=100_000_000)
    lifespan.tasks.append(worker)
    save([checkout(1), lifespan], "run.jsonl")
    out = shown(command)
    assert out.startswith("run.jsonl: 1 request in ")
    assert "the slowest, by its response or by the wait of a task" in out
    assert text(checkout(1), width=100) in out
    assert lifespan.title not in out
    assert lifespan.title in shown(command, "--all")
    # Where there is nothing else, it is what there is to see.
    save(lifespan, "run.jsonl")
    assert text(lifespan, width=100) in shown(command)
    assert shown(command).startswith("run.jsonl: 0 requests in 100 ms, 1 task, 1 over 20 ms late")


def test_what_is_all_there_is_not_offered_again(command: Command) -> None:
    save(checkout(1), "run.jsonl")
    out = shown(command)
    assert text(checkout(1), width=100) in out
    assert "slowest" not in out
    assert out.splitlines()[-1] == "more: --where 'wait>50ms' · --html"


@given(recordings.filter(bool), st.sampled_from([60, 80, 120]), st.integers(10, 70), st.booleans())
@unhurried
def test_a_screen_is_never_wider_and_seldom_higher_than_it_is(
    recording: list[Timeline], width: int, height: int, ascii: bool
) -> None:
    pen = pen_for(width=width, color=False, ascii=ascii)
    lines = screen("run.jsonl", Answers.of(recording), pen, height).splitlines()
    assert max(map(columns, lines)) <= width
    assert len(lines) < max(height, 40)
    assert all(line.isascii() for line in lines) or not ascii


@pytest.mark.parametrize("height", [24, 40, 60])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_many_requests_fit_on_a_screen(width: int, height: int) -> None:
    recording = [*SHOP, *random_timelines(300, 8)]
    out = screen("run.jsonl", Answers.of(recording), pen_for(width=width), height)
    # Of one that is narrow and low, the beginning scrolls away.
    assert len(out.splitlines()) <= max(height, 40 if width == 60 else 30)
    assert "slowest" in out


# All of one thing ----------------------------------------------------------------------------


def test_why_has_all_findings(command: Command) -> None:
    out = shown(command, "--why")
    words = " ".join(out.split())
    for finding in explain(SHOP):
        assert f"{finding.fact} → {finding.advice}" in words
    assert "request " not in out.splitlines()[0]


def test_where_nothing_is_found_it_says_so(command: Command) -> None:
    save(run(1, requests=5), "run.jsonl")
    assert shown(command, "--why") == "Nothing was found that made anything late or fail.\n"


def test_stats_is_the_whole_summary(command: Command) -> None:
    assert shown(command, "--stats") == f"{summary(SHOP).to_text(100)}\n"


def test_slowest_is_so_many_timelines_the_slowest_first(command: Command) -> None:
    three = sorted(SHOP, key=lambda one: -slowness(one))[:3]
    assert shown(command, "--slowest", "3") == text(three, width=100)


def test_a_request_is_slow_by_its_response_or_by_the_wait_of_a_task() -> None:
    timeline = checkout()
    assert slowness(timeline) == 12_600_000
    timeline.tasks[2].started = timeline.tasks[2].released or 0 + 1_000_000_000
    timeline.tasks[2].started += 1_000_000_000
    assert slowness(timeline) == 1_000_000_000
    timeline.response_sent, timeline.tasks = None, []
    assert slowness(timeline) == 0


def test_what_is_asked_for_together_comes_together(command: Command) -> None:
    parts = [shown(command, option) for option in ("--why", "--stats")]
    both = shown(command, "--stats", "--why", "--slowest", "1")
    assert both.startswith("\n".join(parts))
    assert both.endswith(shown(command, "--slowest", "1"))


# Where ---------------------------------------------------------------------------------------


def test_where_leaves_requests_and_tasks_that_are_hits(command: Command) -> None:
    expected = text(select(SHOP, "name:mail wait>1ms"), width=100)
    assert shown(command, "--where", "name:mail wait>1ms", "--all") == expected


def test_where_takes_a_filter_that_begins_with_a_dash(command: Command) -> None:
    hits = select(SHOP, "-route:/orders")
    assert f"run.jsonl: {len(hits)} of 300 requests" in shown(command, "--where", "-route:/orders")


def test_why_of_some_looks_for_causes_in_the_whole_recording(command: Command) -> None:
    # Searches have no tasks: what held the loop meanwhile is in other requests.
    out = shown(command, "--where", "route:/search", "--why")
    assert "and why (in the whole recording)" in out
    assert "resize (after_response) held the event loop" in out
    calm = select(SHOP, "response<1ms route:/health")
    save(SHOP, "run.jsonl")
    assert calm
    assert "Nothing was found" in shown(command, "--where", "response<1ms route:/health", "--why")


def test_numbers_of_some_are_theirs(command: Command) -> None:
    expected = summary(select(SHOP, "route:/search")).to_text(100)
    assert shown(command, "--where", "route:/search", "--stats") == f"{expected}\n"


def test_a_file_has_what_was_asked_for(command: Command) -> None:
    assert shown(command, "--where", "route:/search", "--html") == "written: run.html\n"
    assert Path("run.html").read_text() == to_html(select(SHOP, "route:/search"))
    assert shown(command, "--slowest", "1", "--mermaid", "-") == to_mermaid(
        Answers.of(SHOP).slowest(1)
    )


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (
            ("--where", "wait>"), 2,
            "--where: wait> (character 1): nothing follows it: write wait>100ms",
        ),
        (
            ("--where", "rout:/x"), 2,
            "--where: rout:/x (character 1): rout is none of the terms: write one of name:, "
            "route:, error:, method:, mode:, outcome:, status:, or put it in quotes",
        ),
        (
            ("--where", "name:nobody"), 1,
            "none of the 300 requests is like 'name:nobody': ask for less",
        ),
        (
            ("--why", "--mermaid", "-"), 2,
            "a form and words would both go to standard output: ask for one",
        ),
        (
            ("--where",), 2,
            "argument --where: expected one argument (python -m visualize show --help shows how)",
        ),
        *(
            (
                ("--slowest", wrong), 2,
                f"argument --slowest: '{wrong}' is no number of requests: give 1 or more "
                "(python -m visualize show --help shows how)",
            )
            for wrong in ("0", "-3", "few")
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_one_line(
    command: Command, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    assert command("show", "run.jsonl", *arguments) == (code, "", f"visualize: {complaint}\n")


# Markdown ------------------------------------------------------------------------------------


def test_markdown_has_the_findings_and_the_numbers(command: Command) -> None:
    out = shown(command, "--markdown")
    head, findings, *tables = out.split("\n\n")
    assert head.startswith("**run.jsonl**: 300 requests in ")
    assert len(findings.splitlines()) == len(explain(SHOP))
    assert all(line.startswith("- **") for line in findings.splitlines())
    assert "\n\n".join(tables) == f"{summary(SHOP).to_markdown()}\n"
    assert shown(command, "--markdown", "--why") == f"{findings}\n"
    assert shown(command, "--markdown", "--stats") == f"{summary(SHOP).to_markdown()}\n"


def test_markdown_draws_timelines_as_a_chart(command: Command) -> None:
    chart = to_mermaid(Answers.of(SHOP).slowest(1))
    assert shown(command, "--markdown", "--slowest", "1") == f"```mermaid\n{chart}```\n"


def test_names_mean_nothing_in_markdown(command: Command) -> None:
    timeline = checkout()
    timeline.tasks[4].name = "*b* [x](y) <img> `c` _d_ e_f"
    save(timeline, "run.jsonl")
    out = shown(command, "--markdown", "--why")
    assert r"\*b\* \[x\](y) \<img\> 'c' \_d\_ e_f (after" in out
    assert "; its traceback is in the log; `on_error=` is told of each." in out
    save(SHOP, "run.jsonl")
    assert "or write `def`, which" in shown(command, "--markdown", "--why")


# On a terminal -------------------------------------------------------------------------------


def on_a_terminal(where: Path, *arguments: str, **more: str) -> str:
    """Run a command whose output is a terminal of 80 columns and 30 lines."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 80, 0, 0))
    env = {
        name: value
        for name, value in environment(**more).items()
        if name not in ("COLUMNS", "LINES")
    }
    with subprocess.Popen(
        [sys.executable, "-m", "visualize", "show", *arguments],
        cwd=where, env=env, stdout=theirs, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 10_000)
            except OSError:
                # Linux says so when the other end is closed.
                break
            if not part:
                break
            said += part
        assert process.stderr is not None
        assert process.stderr.read() == b""
    os.close(ours)
    assert process.returncode == 0
    return said.decode().replace("\r\n", "\n")


def without_color(said: str) -> str:
    return re.sub(r"\033\[[0-9;]*m", "", said)


def test_a_terminal_gets_colors_and_what_fits(command: Command, tmp_path: Path) -> None:
    said = on_a_terminal(tmp_path, "run.jsonl", TERM="xterm-256color")
    assert "\033[1m" in said
    lines = without_color(said).splitlines()
    assert max(map(columns, lines)) <= 80
    assert len(lines) < 30


@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colors_gets_none(
    command: Command, tmp_path: Path, more: dict[str, str]
) -> None:
    assert "\033" not in on_a_terminal(tmp_path, "run.jsonl", **more)


def test_a_pipe_gets_no_colors(command: Command) -> None:
    assert "\033" not in shown(command)
