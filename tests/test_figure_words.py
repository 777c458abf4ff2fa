"""Words of figures never overlap, nor leave the figure, whatever its size."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests.drawn import assert_words_fit, drawn, figure_of, stretched, words
from tests.samples import MS, checkout, random_timelines, repeating, watched
from visualize.figure import compare, plot

LONG = "a_task_whose_name_nobody_would_want_to_type_" * 3


WIDTHS = {"400px": (4, 100), "400px, large": (2.5, 160), "1280px": (8, 160)}
SPANS = {"1us": 1_000, "42ms": 42 * MS, "10min": 600_000 * MS}


@pytest.mark.parametrize(("width", "dpi"), WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("name", ["mail", LONG], ids=["short", "long"])
@pytest.mark.parametrize("tasks", [1, 5, 200])
def test_words_neither_overlap_nor_leave_the_figure(
    tasks: int, name: str, span: int, width: float, dpi: float
) -> None:
    timeline = stretched(checkout(), span)
    some = [replace(task, name=f"{name}{at}") for at, task in enumerate(timeline.tasks * 34)]
    timeline = replace(timeline, path=f"/{name}", tasks=some[:tasks])

    assert_words_fit(figure_of(plot(timeline, width=width)), dpi)


@pytest.mark.parametrize("width", [4, 8])
def test_words_of_many_requests_fit(width: float) -> None:
    for recording in (random_timelines(3, 4), random_timelines(12, 5), random_timelines(60, 8)):
        assert_words_fit(figure_of(plot(recording, width=width)), 100)


@pytest.mark.parametrize("width", [2.5, 4, 8])
@pytest.mark.parametrize("requests", [1, 5, 60])
def test_words_of_spans_fit(requests: int, width: float) -> None:
    made = (watched, checkout, partial(repeating, 159))
    recording = [made[turn % 3](turn + 1, turn * 9 * MS) for turn in range(requests)]

    assert_words_fit(figure_of(plot(recording, width=width)), 100)


@pytest.mark.parametrize("width", [4, 8])
def test_words_of_panels_fit(width: float) -> None:
    panels = {"all of it": checkout(), LONG: random_timelines(2, 3), "nothing": []}

    assert_words_fit(compare(panels, width=width), 100)


def test_words_fit_axes_that_are_given() -> None:
    figure = Figure(figsize=(10, 7), layout="constrained")
    for ax in figure.subplots(2, 2).flat:
        plot(checkout(), ax=ax)

    assert_words_fit(figure, 100)


def test_words_fit_a_part_of_a_figure() -> None:
    figure = Figure(figsize=(12, 4))
    left, right = figure.subfigures(1, 2)
    plot(checkout(), ax=left.subplots())
    plot(checkout(), ax=right.subplots())

    assert_words_fit(figure, 100)
    assert len(drawn(figure, 100)) > 40


def test_words_do_not_enter_axes_beside() -> None:
    figure = Figure(figsize=(11, 4))
    left, right = figure.subplots(1, 2)
    plot(checkout(), ax=left)
    plot(checkout(), ax=right)

    drawn(figure, 100)
    said = [text for text in right.findobj(Text) if isinstance(text, Text) and text.get_text()]
    assert "POST /checkout #1" in {text.get_text() for text in said}
    assert not any(text.get_window_extent().overlaps(left.bbox) for text in said)


def test_words_follow_the_view() -> None:
    ax = plot(checkout())
    ax.set_xlim(14, 22)
    ax.set_ylim(4.5, 1.5)

    assert_words_fit(figure_of(ax), 160)
    said = words(ax)
    assert {"validate_payment", "finalize_order", "send_mail", "16 ms"} <= set(said)
    assert not {"client", "endpoint", "audit", "print_label", "response sent"} & set(said)
    texts = [text for text in ax.findobj(Text) if isinstance(text, Text)]
    inside = [text for text in texts if "ran" in text.get_text()]
    assert [text.get_text() for text in inside] == [
        "waited 100 µs · ran 29.9 ms",
        "held back 1.1 ms · waited 200 µs · ran 11.7 ms",
        "held back 1.4 ms · waited 100 µs · ran 29.3 ms",
    ]
    assert all(ax.bbox.fully_contains(*text.get_window_extent().min) for text in inside)
