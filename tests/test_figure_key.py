"""Figures: the key has the shapes of the lanes, and the longest part of a bar is never left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fastapi_tasks.timeline import Mode, TaskRecord
from tests.drawn import drawn, figure_of, words
from tests.samples import MS, watched
from visualize.figure import plot


def shapes_in_key(ax: Axes) -> list[object]:
    figure = ax.figure
    assert isinstance(figure, Figure)
    lines = [line for line in figure.artists if isinstance(line, Line2D)]
    return [line.get_marker() for line in lines if line.get_linestyle() == "None"]


@pytest.mark.parametrize(
    ("modes", "shapes"),
    [
        (["immediate"], ["o"]),
        (["after_route"], ["D"]),
        (["after_response"], ["^"]),
        (["background"], ["v"]),
        (["after_response", "immediate", "immediate"], ["o", "^"]),
    ],
)
def test_key_shows_the_shapes_of_the_releases(modes: list[Mode], shapes: list[str]) -> None:
    tasks = [TaskRecord("mail", mode, 5 * MS, 6 * MS, 7 * MS, 30 * MS, "ok") for mode in modes]
    assert shapes_in_key(plot(replace(watched(), tasks=tasks, spans=[]))) == shapes


@pytest.mark.parametrize("finished", [90.1, 95, 100])
def test_a_wait_before_a_short_run_at_the_edge_is_said(finished: float) -> None:
    task = TaskRecord("mail", "background", 1 * MS, 2 * MS, 90 * MS, int(finished * MS), "ok")
    said = " · ".join(words(plot(replace(watched(), tasks=[task], spans=[]))))
    assert "waited 88 ms" in said
    assert "ran " in said


@pytest.mark.parametrize("width", [4.0, 6.0, 8.0, 12.0])
def test_the_caption_ends_the_first_line_and_shapes_stay_beside_their_word(width: float) -> None:
    modes: list[Mode] = ["immediate", "after_route", "after_response", "background", "spawned"]
    tasks = [TaskRecord(mode, mode, 5 * MS, 6 * MS, 7 * MS, 30 * MS, "ok") for mode in modes]
    figure = figure_of(plot(replace(watched(), tasks=tasks), width=width))
    drawn(figure, 100)
    places = {text.get_text(): text.get_window_extent() for text in figure.texts}
    lines = [line for line in figure.artists if isinstance(line, Line2D)]
    shapes = [line for line in lines if line.get_marker() in ("o", "D", "^", "v", "*")]

    caption = places["time from request start"]
    said = [place for words, place in places.items() if words in ("waiting", "released", "running")]
    assert all(place.y0 <= caption.y0 + 1 for place in said)
    beside = [place for place in said if place.y0 > caption.y0 - 1]
    assert all(place.x1 < caption.x0 for place in beside)
    assert len(shapes) == 5
    middle = (places["released"].y0 + places["released"].y1) / 2
    for shape in shapes:
        assert abs(shape.get_window_extent().y0 - middle) < 8
