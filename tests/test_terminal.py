"""Timelines as text: whole pictures, on any terminal."""

from __future__ import annotations

import io
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_tasks.timeline import Busy, TaskRecord, Timeline
from tests.samples import MS, WALL, checkout
from tests.strategies import recordings, unhurried
from visualize.terminal import text
from visualize.terminal.cells import columns, fit, wrap

WIDE = """\
POST /checkout #1 · 200 · endpoint end 12 ms · response sent 12.6 ms
                                   endpoint end ┊│ response sent                   start       ran
  client                            ├────────────┤                               −800 µs   14.2 ms
  request                           ╌━━━━━━━━━━━╍╌                                     0   12.8 ms
● validate_payment  immediate        ██████████████████████████████▎              1.1 ms   29.9 ms ✓
◆ finalize_order    after_route                ░████████████▍                    12.3 ms   11.7 ms ✓
▲ send_mail         after_response             ░░█████████████████████████████   12.7 ms   29.3 ms ✓
△ print_label       after_response             ░░█████████████████▎                13 ms     17 ms ✓
▲ notify_shipping   after_response              ░███████▍                        12.8 ms    7.2 ms ✗
● audit             immediate                   ┊│           ██▎                 25.1 ms    1.9 ms ✓
  event loop                                    ┊▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓                      22 ms
                                    0                   20 ms               40 ms
notify_shipping raised ConnectionError
send_mail held the event loop for 22 ms

● immediate  ◆ after_route  ▲ after_response  △ in a thread  ░ held back  ▒ waiting  █ running
▓ holds the loop  ✓ ok  ✗ error
"""

NARROW = """\
POST /checkout #1 · 200
endpoint end 12 ms
response sent 12.6 ms
    response sent │                ran
  client      ├───┤            14.2 ms
  request     ━━━━╌            12.8 ms
● validate_…  ██████████▍      29.9 ms ✓
◆ finalize_…     ░████▏        11.7 ms ✓
▲ send_mail      ░██████████   29.3 ms ✓
△ print_lab…     ░██████▏        17 ms ✓
▲ notify_sh…      ██▊           7.2 ms ✗
● audit           │   █▏        1.9 ms ✓
  event loop      ▓▓▓▓▓▓▓        22 ms
              0     20 ms  40 ms
notify_shipping raised ConnectionError
send_mail held the event loop for 22 ms

● immediate  ◆ after_route
▲ after_response  △ in a thread
░ held back  ▒ waiting  █ running
▓ holds the loop  ✓ ok  ✗ error
"""

PLAIN = """\
POST /checkout #1 - 200 - endpoint end 12 ms - response sent 12.6 ms
               endpoint end :| response sent           start       ran
  client            [--------]                       -800 us   14.2 ms
  request           ========~-                             0   12.8 ms
o validate_payment   #####################            1.1 ms   29.9 ms v
+ finalize_order            .########                12.3 ms   11.7 ms v
^ send_mail                 .#####################   12.7 ms   29.3 ms v
A print_label               .############              13 ms     17 ms v
^ notify_shipping           .#####                   12.8 ms    7.2 ms x
o audit                     :|        #              25.1 ms    1.9 ms v
  event loop                :%%%%%%%%%%%%%%%%                    22 ms
                    0             20 ms         40 ms
notify_shipping raised ConnectionError
send_mail held the event loop for 22 ms

o immediate  + after_route  ^ after_response  A in a thread  . held back
/ waiting  # running  % holds the loop  v ok  x error
"""

FAULTY = r"""
POST /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… #1
500 · endpoint end 12 ms · response sent 12.6 ms · still open
                     endpoint end ┊│ response sent                       start       ran
  client            ├──────────────╌┤                                  −800 µs   14.2 ms
  request           ╌━━━━━━━━━━━━━╍╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌▶         0     41 ms
● validate_payment    ██████████████████████████████████▌               1.1 ms   29.9 ms ■
◆ finalize_order                 ░░│                                         –         – ∅
▲ send_mail                      ░░████████████████████████████████▶   12.7 ms   28.3 ms ▷
△ print_label          ███▋▒▒▒▒▒▒▒▒│                                      5 ms     −3 ms ✓
▲ 日本語\n\x1b[31m                ░████████▉                           12.8 ms    7.2 ms ✗
● audit                           ┊│             ██████████████████▶   25.1 ms   15.9 ms ▶
  event loop                      ┊▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓     ▓▓               23 ms
                    0           10 ms      20 ms       30 ms      40 ms
the endpoint raised ValueError
the response was aborted
日本語\n\x1b[31m raised ConnectionError
send_mail held the event loop for 23 ms, 2 times
the clock went backwards: some bars are mirrored

● immediate  ◆ after_route  ▲ after_response  △ in a thread  ░ held back  ▒ waiting
█ running  ▓ holds the loop  ✓ ok  ✗ error  ■ cancelled  ∅ discarded  ▷ abandoned
▶ not ended
"""[1:]

OPEN = """\
GET / #1 · still open
                                           start       ran
  request  ▶                                   0         0
           0
"""

TWO = """\
GET /health #3 · 204 · response sent 3 ms
                 response sent │           start       ran
  request  ━━━━━━━━━━━━━╍╍╍╍╍╍╍╌╌╌╌╌╌╌         0      4 ms
           0            2 ms         4 ms

WEBSOCKET /ws #4 · still open
                                           start       ran
  request  ╌━━━━━━━━━━━━━━━━━━━━━━━━━▶         0     20 ms
○ ping       ▒▒███████████████████████      3 ms     17 ms ✓
           0            10 ms        20 ms

● immediate  ○ in a thread  ▒ waiting  █ running  ✓ ok
"""


def faulty() -> Timeline:
    """A checkout in which everything went wrong."""
    timeline = checkout()
    first, second, third, fourth, fifth, sixth = timeline.tasks
    first.outcome = "cancelled"
    second.released = second.started = None
    second.outcome, second.finished = "discarded", 13 * MS
    third.finished, third.outcome = None, "abandoned"
    fourth.started, fourth.finished = 5 * MS, 2 * MS
    fifth.name = "日本語\n\x1b[31m"
    sixth.outcome = sixth.finished = None
    timeline.path = "/" + "x" * 90
    timeline.status, timeline.error, timeline.aborted = 500, "ValueError", True
    timeline.request_end = None
    timeline.busy.append(Busy(40 * MS, 41 * MS, "send_mail", 2))
    return timeline


def two() -> list[Timeline]:
    """A request without tasks, and an open WebSocket with one."""
    ping = TaskRecord("ping", "immediate", 12 * MS, 12 * MS, 13 * MS, 30 * MS, "ok", thread=True)
    return [
        Timeline(
            3, "http", "GET", "/health", WALL, 0, response_start=2 * MS, response_sent=3 * MS,
            request_end=4 * MS, status=204,
        ),
        Timeline(
            4, "websocket", "WEBSOCKET", "/ws", WALL, 10 * MS, endpoint_start=11 * MS, tasks=[ping]
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("timelines", "width", "plain", "expected"),
    [
        (checkout(), 100, False, WIDE),
        (checkout(), 40, False, NARROW),
        (checkout(), 72, True, PLAIN),
        (faulty(), 90, False, FAULTY),
        (Timeline(1, "http", "GET", "/", WALL, 0), 60, False, OPEN),
        (two(), 60, False, TWO),
        ([], 60, False, "No request was recorded.\n"),
    ],
    ids=["wide", "narrow", "plain", "faulty", "open", "two", "none"],
)
def test_the_whole_picture(
    timelines: Timeline | list[Timeline], width: int, plain: bool, expected: str
) -> None:
    assert text(timelines, width=width, color=False, ascii=plain) == expected


def test_a_terminal_narrower_than_forty_columns_gets_forty() -> None:
    assert text(checkout(), width=3, color=False, ascii=False) == NARROW


def test_colour_adds_nothing_but_colour() -> None:
    colored = text(faulty(), width=90, color=True, ascii=False)

    assert re.sub(r"\x1b\[[0-9;]+m", "", colored) == FAULTY
    assert "\x1b[38;5;208m●\x1b[0m validate_payment" in colored


@unhurried
@given(recordings, st.integers(40, 130), st.booleans())
def test_no_recording_leaves_the_terminal(
    recording: list[Timeline], width: int, plain: bool
) -> None:
    drawn = text(recording, width=width, color=False, ascii=plain)

    assert all(line.isprintable() and columns(line) <= width for line in drawn.splitlines())
    assert drawn.isascii() or not plain


class Terminal(io.TextIOWrapper):
    """Standard output with an encoding, on a terminal or not."""

    def __init__(self, encoding: str, tty: bool) -> None:
        super().__init__(io.BytesIO(), encoding)
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


@pytest.mark.parametrize(
    ("tty", "environment", "colored"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, tty: bool, environment: dict[str, str], colored: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Terminal("utf-8", tty))

    assert ("\x1b[" in text(checkout())) is colored


@pytest.mark.parametrize(
    ("encoding", "plain"), [("utf-8", False), ("ascii", True), ("latin-1", True), ("cp437", True)]
)
def test_an_encoding_without_blocks_gets_ascii(
    monkeypatch: pytest.MonkeyPatch, encoding: str, plain: bool
) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal(encoding, tty=False))

    drawn = text(checkout())
    assert drawn.isascii() is plain
    assert drawn.encode(encoding)


def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")

    assert text(checkout(), color=False, ascii=True) == PLAIN


@pytest.mark.parametrize(
    ("words", "width", "expected"),
    [
        ("mail", 6, "mail  "),
        ("mail", 4, "mail"),
        ("mailer", 4, "mai…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日… "),
        ("e\u0301tat", 4, "e\u0301tat"),
        ("", 2, "  "),
    ],
)
def test_words_fill_exactly_their_columns(words: str, width: int, expected: str) -> None:
    assert fit(words, width) == expected
    assert columns(expected) == width


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("a mail raised", ["a mail", "raised"]),
        ("unbreakable", ["unbreak", "able"]),
        ("日本語 mail", ["日本語", "mail"]),
        ("", [""]),
    ],
)
def test_words_are_wrapped_by_columns(words: str, lines: list[str]) -> None:
    assert list(wrap(words, 7)) == lines
