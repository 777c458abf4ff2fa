"""What the notebooks use beside a lab: a guess beside a measurement, a verdict, own stamps."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fastapi_tasks import TaskRecord, Timeline
from notebooks.copies import copy_all
from notebooks.execute import notebooks, read
from visualize.lab import beside, lay_over, moments, verdict

MS = 1_000_000


@pytest.mark.parametrize(
    ("guess", "measured", "said"),
    [
        (300, 304.2, "guessed: 300 ms, measured: 304 ms. Close."),
        (80, 304, "guessed: 80 ms, measured: 304 ms. Too low."),
        (500, 304, "guessed: 500 ms, measured: 304 ms. Too high."),
        (0, 0, "guessed: 0 ms, measured: 0 ms. Close."),
        (1.5, 1.44, "guessed: 1.5 ms, measured: 1.4 ms. Close."),
        (True, False, "guessed: True, measured: False. Not as you said."),
        ("Whole ", "whole", "guessed: Whole , measured: whole. As you said."),
        (["a", "b"], ("a", "b"), "guessed: a, b, measured: a, b. As you said."),
        ({"b", "a"}, {"a", "b"}, "guessed: a, b, measured: a, b. As you said."),
    ],
)
def test_a_guess_stands_beside_what_was_measured(guess: Any, measured: Any, said: str) -> None:
    assert beside(guess, measured, "ms") == said


def test_what_is_next_to_nothing_may_be_guessed_as_nothing() -> None:
    assert beside(0, 3, "ms").endswith("Too low.")
    assert beside(0, 3, "ms", near=10).endswith("Close.")
    assert beside(20, 3, "ms", near=10).endswith("Too high.")


def test_no_guess_is_asked_for() -> None:
    assert beside(..., 304, "ms").startswith("measured: 304 ms\nNo guess yet: ")


def lab(*, log: list[str] = [], error: str | None = None) -> Any:  # noqa: B006
    return SimpleNamespace(log=log, timelines=[Timeline(1, "http", "GET", "/", 0, 0, error=error)])


def test_what_is_not_right_is_followed_by_the_log_without_control_characters() -> None:
    said = verdict(lab(log=["task failed\x1b"]), lambda found: f"Not yet: {found}", 3)
    first, second = said.splitlines()
    assert first == "Not yet: 3"
    assert second.startswith("  the log says: task failed")
    assert "\x1b" not in said


def test_what_is_right_needs_no_log() -> None:
    assert verdict(lab(log=["line"]), lambda: "Right: all.") == "Right: all."


def test_a_failed_endpoint_is_named_before_anything_is_checked() -> None:
    failed = lab(error="TypeError")
    assert verdict(failed, lambda: "Right").startswith("Not yet: GET / #1 failed with TypeError")
    assert verdict(failed, lambda: "Right", failing=True) == "Right"


def witnessed() -> Timeline:
    timeline = Timeline(1, "http", "GET", "/", 0, 0)
    timeline.endpoint_end, timeline.response_sent = 40 * MS, 50 * MS
    timeline.tasks.append(TaskRecord("mail", "after_response", 1 * MS, 50 * MS, 51 * MS, 90 * MS))
    return timeline


def test_stamps_stand_among_the_recorded_moments_in_order_of_time() -> None:
    table = moments(witnessed(), {"ends": 39 * MS, "begins": 52 * MS})
    assert [line.split("ms", 1)[1].strip() for line in table.splitlines()] == [
        "request arrives",
        "mail requested",
        "A  ends",
        "endpoint ends",
        "response sent",
        "mail released",
        "mail started",
        "B  begins",
        "mail finished",
    ]


def test_stamps_that_lie_close_together_share_a_label() -> None:
    axes = lay_over(witnessed(), {"one": 39 * MS, "two": 39 * MS + 1000, "three": 80 * MS})
    labels = {text.get_text() for text in axes.texts}
    assert {"AB", "C"} <= labels


def test_no_label_lies_on_the_next_one() -> None:
    many = {f"stamp {number}": 39 * MS + number for number in range(5)}
    axes = lay_over(witnessed(), {**many, "a little later": 43 * MS, "later": 50 * MS})
    axes.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text().isupper()]
    assert len(boxes) >= 2
    for one, following in pairwise(sorted(boxes, key=lambda box: box.x0)):
        assert one.x1 < following.x0


def test_a_stamp_before_or_after_everything_stays_inside_the_picture() -> None:
    axes = lay_over(witnessed(), {"asks": -30 * MS, "reads": 300 * MS})
    low, high = axes.get_xlim()
    assert low < -30
    assert high > 300


def test_copies_show_nothing_and_are_never_written_over(tmp_path: Path) -> None:
    made = copy_all(tmp_path / "mine")
    assert [path.name for path in made] == [path.name for path in notebooks()]
    copy = read(made[0])
    assert not any(cell.get("outputs") for cell in copy.cells)
    assert [cell.source for cell in copy.cells] == [
        cell.source for cell in read(notebooks()[0]).cells
    ]
    made[0].write_text("mine")
    assert copy_all(tmp_path / "mine") == []
    assert made[0].read_text() == "mine"
