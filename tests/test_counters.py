"""`record` counts what happens on the last line of a terminal, and tears nobody's lines."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import httpx
import pytest

from fastapi_tasks import Busy, Event, TaskRecord, recorder_of
from tests.findings import sins
from tests.processes import environment
from tests.samples import MS, checkout
from tests.screens import Screen
from visualize.cli.counters import Counters
from visualize.terminal.bottom import BottomLine
from visualize.terminal.pens import pen_for

# Counting ------------------------------------------------------------------------------------


def test_a_request_is_in_flight_until_it_ends() -> None:
    counters, timeline = Counters(), checkout()
    counters.take(Event("request_start", timeline))
    assert (counters.requests, counters.in_flight) == (1, 1)
    timeline.status = 500
    counters.take(Event("request_end", timeline))
    assert (counters.requests, counters.in_flight, counters.errors) == (1, 0, 1)


@pytest.mark.parametrize(
    ("outcome", "errors"), [("ok", 0), ("cancelled", 1), ("error", 1), ("abandoned", 1)]
)
def test_a_task_that_failed_is_an_error(outcome: str, errors: int) -> None:
    counters, timeline = Counters(), checkout()
    task = TaskRecord("mail", "immediate", 0, 0, 0, 1, outcome)  # type: ignore[arg-type]
    counters.take(Event("finished", timeline, task))
    assert counters.errors == errors


@pytest.mark.parametrize(("waited", "late"), [(20, 0), (21, 1)])
def test_a_task_that_waited_for_long_is_late(waited: int, late: int) -> None:
    counters = Counters()
    task = TaskRecord("mail", "immediate", 0, 0, waited * MS)
    counters.take(Event("started", checkout(), task))
    assert counters.late == late


def test_a_step_that_many_waited_for_is_counted_once() -> None:
    counters = Counters()
    for start, end in ((0, 30), (0, 30), (40, 50), (45, 60)):
        timeline = checkout()
        timeline.busy = [Busy(start * MS, end * MS, "mail")]
        counters.take(Event("busy", timeline))
    assert counters.held == 50 * MS


def test_counters_are_said_in_as_many_words_as_fit() -> None:
    counters = Counters(1_203, 4, 1, 1_200 * MS, 17)
    words = "1,203 requests · 4 in flight · 1 error · loop held 1.2 s · 17 late tasks"
    assert counters.words(80) == counters.words(len(words)) == words
    short = "1,203 req · 4 open · 1 err · held 1.2 s · 17 late"
    assert counters.words(60) == short


def test_what_a_real_app_did_is_counted() -> None:
    counters = Counters()
    app = sins.failing(cured=False)
    recorder = recorder_of(app)
    assert recorder is not None
    recorder.subscribe(counters.take)
    timelines = anyio.run(sins.recorded, app, sins.several(3))
    # The visit that warms up is counted as well.
    assert counters.requests >= len(timelines) == 3
    assert (counters.in_flight, counters.errors) == (0, counters.requests)


# The last line -------------------------------------------------------------------------------


class Terminal:
    """A terminal of some size, and what is seen on it."""

    def __init__(self, columns: int = 80, lines: int = 10) -> None:
        self._ours, self.theirs = pty.openpty()
        self._decoder = getincrementaldecoder("utf-8")()
        self.screen = Screen(columns, lines)
        self.resize(columns, lines)

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def write(self, words: str) -> None:
        os.write(self.theirs, words.encode())

    def output(self) -> Iterator[str]:
        """What is written there, until the other end is closed."""
        # Linux says so with an error.
        with suppress(OSError):
            while part := os.read(self._ours, 65_536):
                yield self._decoder.decode(part)

    def look(self) -> list[str]:
        """Show what was written until now."""
        os.set_blocking(self._ours, False)
        self.screen.feed("".join(self.output()))
        return [row.rstrip() for row in self.screen.rows]


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


def test_a_text_stands_on_the_last_line_and_everything_else_scrolls_above(
    terminal: Terminal,
) -> None:
    terminal.write("$ record\n")
    line = BottomLine(terminal.theirs, pen_for(width=80, color=False, ascii=False))
    line.open()
    for number in range(20):
        line.show(f"{number} requests")
        terminal.write(f"line {number}\n")
        assert terminal.look()[-1] == f"{number} requests"
    assert terminal.screen.text[:-1] == ["$ record", *(f"line {n}" for n in range(20)), ""]
    line.close()
    terminal.write("done\n")
    terminal.look()
    assert terminal.screen.text == ["$ record", *(f"line {n}" for n in range(20)), "done"]


def test_a_line_that_is_being_written_is_not_torn(terminal: Terminal) -> None:
    line = BottomLine(terminal.theirs, pen_for(width=80, color=False, ascii=False))
    line.open()
    terminal.write("half a ")
    line.show("1 request")
    terminal.write("line\n")
    assert terminal.look()[0] == "half a line"
    line.close()


def test_a_text_is_cut_where_the_line_ends(terminal: Terminal) -> None:
    line = BottomLine(terminal.theirs, pen_for(width=80, color=False, ascii=False))
    line.open()
    line.show("x" * 100)
    assert terminal.look()[-1] == "x" * 79 + "…"


def test_a_window_of_another_size_has_another_last_line(terminal: Terminal) -> None:
    line = BottomLine(terminal.theirs, pen_for(width=80, color=False, ascii=False))
    line.open()
    line.show("before")
    terminal.look()
    terminal.resize(60, 8)
    terminal.screen.lines = 8
    terminal.screen.rows = terminal.screen.rows[:8]
    line.show("after")
    assert terminal.look()[-1] == "after"
    assert line.width == 60


def test_in_a_window_of_few_lines_all_is_left_to_the_app() -> None:
    low = Terminal(lines=3)
    line = BottomLine(low.theirs, pen_for(width=80, color=False, ascii=False))
    line.open()
    line.show("1 request")
    line.close()
    assert low.look() == ["", "", ""]


# Recording -----------------------------------------------------------------------------------

APP = """
import subprocess
import time
from fastapi import FastAPI
from fastapi_tasks import Tasks, add_tasks

app = FastAPI()
add_tasks(app)

async def mail() -> None:
    time.sleep(0.15)

@app.get("/")
async def order(tasks: Tasks) -> None:
    print("printed", "by the app", flush=True)
    subprocess.run(["echo", "written by a process"], check=True)
    tasks.after_response.schedule(mail)
"""


@pytest.fixture
def recording(tmp_path: Path) -> Callable[..., tuple[Screen, str]]:
    """Record a few requests on a terminal; return what it showed, and what it was told."""

    def call(requests: int, until: str, *options: str, **more: str) -> tuple[Screen, str]:
        (tmp_path / "shop.py").write_text(APP)
        terminal = Terminal(columns=100, lines=50)
        env = {n: v for n, v in environment(**more).items() if n not in ("COLUMNS", "LINES")}
        output = ""
        with subprocess.Popen(
            [sys.executable, "-m", "visualize", "record", "shop:app", "--port", "0", *options],
            cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, stdout=terminal.theirs,
            stderr=terminal.theirs,
        ) as process:  # fmt: skip
            os.close(terminal.theirs)
            asked = ended = False
            for part in terminal.output():
                output += part
                found = re.search(r"runs on (http://[0-9.:]+),", output)
                if found and "Recording into" in output and not asked:
                    asked = True
                    for _ in range(requests):
                        httpx.get(found[1], trust_env=False)
                if asked and not ended and until.format(requests) in output:
                    ended = True
                    process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        terminal.screen.feed(output)
        return terminal.screen, output

    return call


def test_counters_are_shown_while_an_app_is_recorded_and_findings_at_the_end(
    recording: Callable[..., tuple[Screen, str]],
) -> None:
    screen, output = recording(3, "{} requests · 0 in flight", TERM="xterm")
    assert re.search(r"3 requests · 0 in flight · 0 errors · loop held \d+ ms", output)
    # What the app and others wrote is whole, and nothing of ours is left in between.
    assert screen.text.count("printed by the app") == 3
    assert screen.text.count("written by a process") == 3
    assert not [line for line in screen.text if "in flight" in line]
    assert sum('"GET / HTTP/1.1" 200 OK' in line for line in screen.text) == 3
    assert "mail (after_response), " in " ".join(screen.text)
    assert "held the event loop 3 times for" in " ".join(screen.text)
    assert screen.text[-1] == (
        "3 requests are in run.jsonl; python -m visualize show run.jsonl shows them."
    )


def test_counters_of_several_workers_are_one_line(
    recording: Callable[..., tuple[Screen, str]],
) -> None:
    screen, output = recording(4, "{} requests · 0 in flight", "--workers", "2", TERM="xterm")
    assert re.search(r"4 requests · 0 in flight · 0 errors · loop held \d+ ms", output)
    assert screen.text.count("printed by the app") == 4
    assert not [line for line in screen.text if "in flight" in line]
    assert "held the event loop 4 times for" in " ".join(screen.text)


def test_a_terminal_that_can_little_is_left_alone(
    recording: Callable[..., tuple[Screen, str]],
) -> None:
    _, output = recording(1, "200 OK", TERM="dumb")
    assert "in flight" not in output
    assert "\0337" not in output


def test_no_colours_are_none_in_the_servers_log_either(
    recording: Callable[..., tuple[Screen, str]],
) -> None:
    colour = re.compile(r"\033\[[0-9;]*m")
    assert colour.search(recording(1, "200 OK", TERM="xterm")[1])
    assert not colour.search(recording(1, "200 OK", TERM="xterm", NO_COLOR="1")[1])
