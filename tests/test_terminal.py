"""Timelines as text: whole pictures, on any terminal."""

from __future__ import annotations

import io
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_tasks.timeline import Busy, Span, TaskRecord, Timeline
from tests.samples import MS, WALL, checkout, repeating, watched
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


WATCHED = """\
POST /orders #1 · 200 · endpoint end 11 ms · response sent 12.1 ms
                                   endpoint end ┊│ response sent                   start       ran
  request                       ╌╌━━━━━━━━━━━━━━╍╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌         0     31 ms
    middleware GZipMiddleware   ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂      50 µs   30.9 ms ✓
      dependency get_db         ▂               ┊│                                300 µs    600 µs ✓
        waits for a connection  ▂               ┊│                                400 µs    400 µs ✓
      dependency current_user    ▂              ┊│                                950 µs    650 µs ✓
        SQL SELECT users         ▂              ┊│                               1.05 ms    500 µs ✓
      validation                  ▂             ┊│                               1.65 ms    200 µs ✓
      endpoint create_order       ▂▂▂▂▂▂▂▂▂▂▂▂▂▂┊│                                1.9 ms    9.1 ms ✓
        SQL SELECT carts           ▂            ┊│                                2.1 ms      1 ms ✓
        calls payments.example      ▂▂▂▂▂▂▂▂    ┊│                                3.2 ms    5.4 ms ✓
        SQL INSERT orders                    ▂  ┊│                                8.8 ms      1 ms ✓
      serialization                             ▂│                               11.1 ms    400 µs ✓
      sending                                   ┊▂                               11.6 ms    550 µs ✓
      close get_db                              ┊│                          ▂    30.2 ms    600 µs ✓
▼ send_mail                                   ░░░▒██████████████████████████▌    12.3 ms   17.7 ms ✓
    render_mail in a thread                     ┊│▂▂▂▂▂▂▂▂▂▂▂▂▂▂                 12.6 ms    9.4 ms ✓
    SQL UPDATE orders                           ┊│               ▂▂▂▂▂▂▂▂▂▂      22.4 ms    7.1 ms ✓
★ warm_cache                                   █████████████▎                    10.4 ms    8.6 ms ✓
    redis SET                                   ▂▂▂▂▂▂▂▂▂▂                         11 ms      7 ms ✓
                                0             10 ms          20 ms          30 ms

▼ background  ★ spawned  ░ held back  ▒ waiting  █ running  ▂ span  ✓ ok
"""

FOLDED = """\
POST /orders #1 - 200 - endpoint end 11 ms
response sent 12.1 ms
                     endpoint end :| response sent         ran
  request                -========~-----------------     31 ms
   middleware GZipMidd~  __________________________    30.9 ms v
    dependency get_db    _        :|                    600 us v
     waits for a conne~  _        :|                    400 us v
    dependency current~  _        :|                    650 us v
     SQL SELECT users    _        :|                    500 us v
    validation            _       :|                    200 us v
    endpoint create_or~   ________:|                    9.1 ms v
     SQL SELECT carts     _       :|                      1 ms v
     calls payments.ex~    _____  :|                    5.4 ms v
      _with_sess~ x 159    ______ :|                      3 ms x
     SQL INSERT orders          _ :|                      1 ms v
    serialization                 _|                    400 us v
    sending                       :_                    550 us v
    close get_db                  :|               _    600 us v
b send_mail                      ..################    17.7 ms v
   render_mail in a th~           :_________            9.4 ms v
   SQL UPDATE orders              :|        ______      7.1 ms v
s warm_cache                     /#######               8.6 ms v
   redis SET                      ______                  7 ms v
                         0                20 ms
_with_session in a thread raised TimeoutError

b background  s spawned  . held back  / waiting  # running
_ span  v ok
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
        (watched(), 100, False, WATCHED),
        (repeating(), 64, True, FOLDED),
        ([], 60, False, "No request was recorded.\n"),
    ],
    ids=["wide", "narrow", "plain", "faulty", "open", "two", "watched", "folded", "none"],
)
def test_the_whole_picture(
    timelines: Timeline | list[Timeline], width: int, plain: bool, expected: str
) -> None:
    assert text(timelines, width=width, color=False, ascii=plain) == expected


def test_a_wait_looks_stronger_than_what_a_mode_holds_back() -> None:
    task = TaskRecord("mail", "background", 10 * MS, 20 * MS, 30 * MS, 40 * MS, "ok")
    timeline = Timeline(1, "http", "GET", "/", WALL, 0, request_end=40 * MS, tasks=[task])

    drawn = (text(timeline, width=60, color=False, ascii=plain) for plain in (False, True))
    for lines, bar in zip(drawn, ("░{6,7}▒{6,7}█{6,7}▏?", r"\.{6,7}/{6,7}#{6,7}"), strict=True):
        assert re.search(rf" {bar} ", lines)


def test_spans_that_failed_are_named_once() -> None:
    timeline = watched()
    spans = timeline.spans
    spans[0].error = spans[6].error = spans[8].error = "TimeoutError"
    spans[14].error = "OperationalError"

    drawn = text(timeline, width=100, color=False, ascii=False)
    assert [line for line in drawn.splitlines() if "raised" in line] == [
        "calls payments.example raised TimeoutError",
        "SQL UPDATE orders raised OperationalError",
    ]
    assert drawn.count("✗") == 4


def test_many_failures_are_counted() -> None:
    spans = [Span(f"q{at // 2}", "sql", at, at + 1, error="E") for at in range(20)]
    timeline = Timeline(1, "http", "GET", "/", WALL, 0, request_end=99, spans=spans)

    drawn = text(timeline, width=60, color=False, ascii=False)
    assert [line for line in drawn.splitlines() if "raised" in line] == [
        *(f"SQL q{at} raised E, 2 times" for at in range(5)),
        "and 5 more kinds of spans raised an error",
    ]


def test_what_was_let_go_is_said() -> None:
    timeline = watched()
    timeline.tasks_dropped, timeline.spans_dropped = 1, 1200

    assert "\n1 earlier task let go\n1,200 earlier spans let go\n" in text(timeline, width=80)


def test_the_line_that_held_the_loop_is_said() -> None:
    timeline = checkout()
    lines = ("shop/mail.py:42 in render", None, "a\n.py:1 in b", "c.py:2 in d", "e.py:3 in f")
    timeline.busy = [Busy(MS, 2 * MS, "send_mail", 2, line) for line in lines]

    assert (
        "send_mail held the event loop for 5 ms, 5 times, at shop/mail.py:42 in render, "
        r"a\n.py:1 in b, c.py:2 in d and 1 more line"
    ) in text(timeline, width=130, color=False, ascii=False)


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
    ("width", "expected"), [(20, "session × 159       "), (12, "sessi… × 159"), (7, "… × 159")]
)
def test_the_tail_of_words_is_never_cut(width: int, expected: str) -> None:
    assert fit("session", width, " × 159") == expected.ljust(width)


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
