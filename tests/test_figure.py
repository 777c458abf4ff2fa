"""Figures: what stands where, in which colours and units, and nothing changed outside."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from itertools import pairwise
from time import perf_counter

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

import visualize
from fastapi_tasks.timeline import SCHEDULED_MODES, Timeline
from tests.drawn import assert_words_fit, drawn, figure_of, stretched, words
from tests.samples import MS, checkout, random_timelines, watched
from tests.strategies import recordings, unhurried
from visualize.figure import compare, plot, to_png, to_svg
from visualize.layout import arrange
from visualize.theme import COLORS, ThemeName


@settings(unhurried, max_examples=25)
@given(recordings)
def test_any_recording_can_be_drawn(recording: list[Timeline]) -> None:
    assert_words_fit(figure_of(plot(recording)), 100)


@settings(unhurried, max_examples=25)
@given(recordings)
def test_marks_are_drawn_within_a_pixel_of_their_moment(recording: list[Timeline]) -> None:
    ax = plot(recording)
    drawn(figure_of(ax), 160)
    scene = arrange(recording)
    pixels = {}
    for collection in ax.findobj(LineCollection):
        pixels[collection.get_label()] = [
            ax.transData.transform(line)[0, 0] for line in collection.get_segments()
        ]
    left, right = ax.bbox.x0, ax.bbox.x1
    low, high = (limit * MS for limit in ax.get_xlim())
    for kind in ("endpoint_end", "response_sent"):
        moments = np.array([mark.at for mark in scene.marks if mark.kind == kind])
        expected = left + (moments - low) / (high - low) * (right - left)
        assert np.abs(np.array(pixels.get(f"_{kind}", [])) - expected).max(initial=0) < 1
        assert all((left <= expected) & (expected <= right))


def colors_at(ax: Axes, moments: list[tuple[float, float]]) -> list[str]:
    """The colours of a picture at points given in milliseconds and lanes."""
    drawn(figure_of(ax), 160)
    image = Image.open(BytesIO(to_png(ax))).convert("RGB")
    points = [ax.transData.transform(moment) for moment in moments]
    pixels = [image.getpixel((round(x), image.height - 1 - round(y))) for x, y in points]
    return ["#{:02x}{:02x}{:02x}".format(*pixel) for pixel in pixels if isinstance(pixel, tuple)]


def test_bars_have_the_colours_of_their_modes() -> None:
    light = COLORS["light"]
    ax = plot(checkout())

    ran = [(20.0, lane - 0.2) for lane in (2, 3, 4)]
    assert colors_at(ax, ran) == [light[mode] for mode in SCHEDULED_MODES]
    assert colors_at(ax, [(5.0, 1.2), (5.0, 4.0), (30.0, 5.5)]) == [
        light["endpoint"],
        light["paper"],
        light["band"],
    ]


def test_axes_that_are_given_are_returned() -> None:
    figure = Figure()
    ax = figure.subplots()

    assert plot(checkout(), ax=ax) is ax
    assert figure.axes == [ax]


@pytest.mark.parametrize(
    ("background", "theme"), [("white", "light"), ("#222", "dark"), ("black", "dark")]
)
def test_the_theme_suits_the_figure_that_is_given(background: str, theme: ThemeName) -> None:
    ax = plot(checkout(), ax=Figure(facecolor=background).subplots())

    assert to_hex(ax.get_facecolor()) == COLORS[theme]["paper"]


def test_a_theme_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="theme='blue' does not exist: use 'light' or 'dark'"):
        plot(checkout(), theme="blue")  # type: ignore[arg-type]


def test_the_axis_is_in_milliseconds() -> None:
    ax = plot(checkout())

    assert ax.get_xlim()[0] == pytest.approx(-0.8, abs=1)
    assert ax.get_xlim()[1] == pytest.approx(42, abs=2)


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (1_000, ["0", "0.2 µs", "0.4 µs", "0.6 µs", "0.8 µs", "1.0 µs"]),
        (42 * MS, ["0", "10 ms", "20 ms", "30 ms", "40 ms"]),
        (600_000 * MS, ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]),
    ],
)
def test_the_unit_suits_the_span(span: int, labels: list[str]) -> None:
    ax = plot(stretched(checkout(), span))
    drawn(figure_of(ax), 160)

    assert [tick.get_text() for tick in ax.get_xticklabels()] == labels


@pytest.mark.parametrize("width", [2.5, 3.0, 5.0, 8.0])
@pytest.mark.parametrize("span", [1_000, 300_000, 42 * MS, 50 * MS, 600_000 * MS])
def test_a_time_can_be_read_off_at_any_width(width: float, span: int) -> None:
    ax = plot(stretched(checkout(), span), width=width)
    drawn(figure_of(ax), 160)
    boxes = [tick.get_window_extent() for tick in ax.get_xticklabels()]
    assert len(boxes) > (2 if width > 2.5 else 1)
    assert all(one.x1 + 3 < other.x0 for one, other in pairwise(boxes))
    assert boxes[-1].x1 <= figure_of(ax).bbox.x1


def test_panels_share_one_time_axis() -> None:
    figure = compare({"one": checkout(), "other": random_timelines(1, 2)})

    assert len({ax.get_xlim() for ax in figure.axes}) == 1
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["one", "other"]


def test_panels_meet_where_the_response_was_sent() -> None:
    slow = stretched(checkout(), 84 * MS)
    figure = compare({"fast": checkout(), "slow": slow}, align="response_sent")

    drawn(figure, 160)
    sent = [
        collection.get_segments()[0][0, 0]
        for ax in figure.axes
        for collection in ax.findobj(LineCollection)
        if isinstance(collection, LineCollection) and collection.get_label() == "_response_sent"
    ]
    assert sent == [0.0, 0.0]


def test_no_global_state_is_changed() -> None:
    before = dict(matplotlib.rcParams)
    to_svg(compare({"one": checkout()}))
    to_png(plot(checkout(), theme="dark"))

    assert dict(matplotlib.rcParams) == before


def test_pyplot_is_not_needed() -> None:
    code = (
        "import sys, visualize\n"
        "from tests.samples import checkout\n"
        "visualize.text(checkout())\n"
        "assert 'matplotlib' not in sys.modules\n"
        "visualize.to_png(visualize.plot(checkout()))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )

    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_the_package_has_its_names_when_they_are_asked_for() -> None:
    assert sorted(visualize.__all__) == visualize.__all__
    assert all(callable(getattr(visualize, name)) for name in visualize.__all__)
    assert set(visualize.__all__) <= set(dir(visualize))
    with pytest.raises(AttributeError, match="module 'visualize' has no attribute 'draw'"):
        _ = visualize.draw


def test_a_png_is_small_and_1280_pixels_wide() -> None:
    for theme in ("light", "dark"):
        picture = to_png(plot(checkout(), theme=theme))
        assert len(picture) <= 60_000
        assert Image.open(BytesIO(picture)).width == 1280


def test_an_svg_is_the_same_each_time() -> None:
    picture = to_svg(plot(checkout()))

    assert picture.startswith(b"<?xml")
    assert picture == to_svg(plot(checkout()))


def test_a_notebook_shows_the_picture() -> None:
    png = b"\x89PNG\r\n\x1a\n"

    assert plot(checkout())._repr_png_().startswith(png)  # type: ignore[attr-defined]
    assert compare({"one": checkout()})._repr_png_().startswith(png)  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [1_000, 10_000])
def test_many_tasks_take_few_artists_and_little_time(count: int) -> None:
    recording = random_timelines(count // 10, 10)
    start = perf_counter()
    ax = plot(recording)
    to_png(ax)

    assert perf_counter() - start < 15
    assert len(ax.get_children()) < 60


def test_every_task_is_named_in_a_quarter_of_a_figure() -> None:
    figure = Figure(figsize=(10, 7))
    axs = figure.subplots(2, 2)
    for ax, timeline in zip(axs.flat, (checkout(), watched()), strict=False):
        plot(timeline, ax=ax)
        said = " ".join(words(ax))
        for task in timeline.tasks:
            assert task.name[:4] in said
