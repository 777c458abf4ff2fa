"""Figures: what stands where, words that fit, and nothing changed outside."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import partial
from io import BytesIO
from itertools import combinations, pairwise
from time import perf_counter
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

import visualize
from fastapi_tasks.timeline import SCHEDULED_MODES, Busy, Span, TaskRecord, Timeline
from tests.samples import MS, checkout, random_timelines, repeating, watched
from tests.strategies import recordings, unhurried
from visualize.figure import compare, plot, to_png, to_svg
from visualize.layout import arrange
from visualize.theme import COLORS, ThemeName

LONG = "a_task_whose_name_nobody_would_want_to_type_" * 3


def figure_of(ax: Axes) -> Figure:
    figure = ax.figure
    assert isinstance(figure, Figure)
    return figure


def drawn(figure: Figure, dpi: float) -> list[Text]:
    """All the words of a figure as it is drawn with this resolution."""
    figure.set_dpi(dpi)
    # The canvas of a bare figure draws nothing.
    FigureCanvasAgg(figure).draw()
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    return [text for text in texts if text.get_visible() and text.get_text()]


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in drawn(figure_of(ax), 160)]


def assert_words_fit(figure: Figure, dpi: float) -> None:
    """No words overlap, and none leave the figure; a pixel of blur is allowed."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in drawn(figure, dpi)]
    whole = figure.bbox.padded(1)
    outside = [said for said, box in boxes if Bbox.union([box, whole]).bounds != whole.bounds]
    pairs = combinations([(said, box.padded(-1)) for said, box in boxes], 2)
    over = [(one, other) for (one, a), (other, b) in pairs if a.overlaps(b)]
    assert (outside, over) == ([], [])


def stretched(timeline: Timeline, span: int) -> Timeline:
    """The request of a checkout alone, with its times such that the tasks end after `span` ns."""

    def at(moment: int | None) -> int | None:
        return None if moment is None else round(moment * span / (42 * MS))

    def moved(thing: Any, *names: str) -> dict[str, Any]:
        return {name: at(getattr(thing, name)) for name in names}

    times = ("requested", "released", "started", "finished")
    return replace(
        timeline,
        **moved(timeline, "request_start", "endpoint_start", "endpoint_end"),
        **moved(timeline, "response_start", "response_sent", "request_end"),
        tasks=[replace(task, **moved(task, *times)) for task in timeline.tasks],
        busy=[],
        client=None,
    )


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


def test_names_phases_and_marks_are_said() -> None:
    said = words(plot(checkout()))

    assert {
        "POST /checkout #1", "200 · response sent after 12.6 ms · last task ended after 42 ms",
        "client", "request", "validate_payment", "finalize_order", "send_mail", "print_label",
        "notify_shipping", "audit", "event loop", "immediate", "after_route", "after_response",
        "after_response · thread", "endpoint end", "response sent", "endpoint",
        "waits for the response", "after the response", "ConnectionError",
        "held by send_mail for 22 ms", "held back 1.4 ms · waited 100 µs · ran 29.3 ms",
        "schedule() to start", "held back by its mode", "waiting", "released", "running", "error",
        "time from request start",
    } <= set(said)  # fmt: skip


def test_outcomes_are_said() -> None:
    timeline = checkout()
    first, second, third, fourth, *_ = timeline.tasks
    first.outcome = "cancelled"
    second.released = second.started = None
    second.outcome, second.finished = "discarded", 13 * MS
    third.finished, third.outcome = None, "abandoned"
    fourth.finished, fourth.outcome = None, None

    said = words(plot(timeline))
    assert {
        "cancelled", "discarded", "held back 1.4 ms · waited 100 µs · abandoned",
        "held back 1.2 ms · waited 400 µs · still running",
    } <= set(said)  # fmt: skip


def test_spans_are_said_beneath_what_made_them() -> None:
    said = words(plot(watched()))

    assert {
        "send_mail", "background", "warm_cache", "spawned",
        "middleware GZipMiddleware · 30.9 ms", "dependency get_db · 600 µs",
        "waits for a connection · 400 µs", "SQL SELECT carts · 1 ms",
        "calls payments.example · 5.4 ms", "validation · 200 µs", "close get_db · 600 µs",
        "render_mail in a thread · 9.4 ms", "redis SET · 7 ms",
        "requested to start", "span",
    } <= set(said)  # fmt: skip
    assert not {"immediate", "after_route", "schedule() to start", "error"} & set(said)


def test_a_wait_and_what_a_mode_holds_back_are_named_where_they_stand() -> None:
    long = TaskRecord("mail", "background", 5 * MS, 40 * MS, 70 * MS, 100 * MS, "ok")
    timeline = replace(watched(), tasks=[long], spans=[])

    assert {"held back 35 ms by its mode", "waited 30 ms", "ran 30 ms"} <= set(
        words(plot(timeline))
    )


def test_what_waits_still_is_said() -> None:
    held = TaskRecord("held", "background", 5 * MS)
    late = TaskRecord("late", "background", 5 * MS, 12 * MS)
    timeline = replace(watched(), tasks=[held, late], spans=[])

    said = words(plot(timeline))
    assert "still held back" in said
    assert "held back 7 ms · still waiting" in said


def test_folded_spans_say_how_many_they_are() -> None:
    said = words(plot(repeating(159)))

    assert "_with_session in a thread × 159 · 3 ms · TimeoutError" in said
    assert "error" in said


def test_spans_for_which_there_is_no_room_are_counted() -> None:
    recording = [watched(number, number * 50 * MS) for number in range(60)]
    recording[0].spans_dropped, recording[0].tasks_dropped = 1_000, 1

    said = words(plot(recording))
    assert {
        "960 spans not drawn", "1,000 earlier spans let go", "1 earlier task let go",
    } <= set(said)  # fmt: skip
    assert not any("SQL" in word for word in said)


def test_the_lane_of_a_span_is_lower_than_that_of_a_task() -> None:
    ax = plot(watched())
    drawn(figure_of(ax), 160)
    heights = {}
    for text in ax.findobj(Text):
        assert isinstance(text, Text)
        if text.get_text():
            heights[text.get_text()] = text.get_window_extent().y0

    carts, payments = (
        heights[f"{said} ms"] for said in ("SQL SELECT carts · 1", "calls payments.example · 5.4")
    )
    assert heights["send_mail"] - heights["warm_cache"] > 3 * (carts - payments)


def test_a_span_that_has_not_ended_and_one_whose_clock_went_back_are_said() -> None:
    spans = [Span("payments", "http", 5 * MS), Span("orders", "sql", 20 * MS, 15 * MS)]
    said = words(plot(replace(watched(), spans=spans)))

    assert {"calls payments · still open", "SQL orders · 5 ms · clock went back"} <= set(said)


def test_the_line_that_held_the_loop_is_said() -> None:
    timeline = checkout()
    timeline.busy = [Busy(13 * MS, 35 * MS, "send_mail", 2, "shop/mail.py:42 in render")]

    assert "held by send_mail at shop/mail.py:42 in render" in words(plot(timeline))
    wide = words(plot(timeline, width=14))
    assert "held by send_mail for 22 ms at shop/mail.py:42 in render" in wide


def test_a_clock_that_went_back_is_said() -> None:
    timeline = checkout()
    timeline.tasks[0].started = 0

    assert "clock went back" in words(plot(timeline))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("costs $5 or $6", "costs $5 or $6"),
        (r"\frac{a}{b} $x^2$", r"\frac{a}{b} $x^2$"),
        ("two\nlines\t", r"two\nlines\t"),
        ("\x1b[31mred\u202e", r"\x1b[31mred\u202e"),
        ("half \ud800", r"half \ud800"),
        ("日本 é", "□□ é"),
        ("<script>", "<script>"),
    ],
)
def test_names_are_literal(name: str, shown: str) -> None:
    timeline = checkout()
    timeline.tasks[0].name = name
    timeline.path = f"/{name}"

    said = words(plot(timeline))
    assert shown in said
    assert f"POST /{shown} #1" in said


def test_nothing_recorded_is_said() -> None:
    assert words(plot([])) == ["No request was recorded"]


def test_many_bars_have_fewer_words() -> None:
    said = words(plot(random_timelines(10, 100)))

    assert "10 requests, 1,000 tasks" in said
    assert not any(word.startswith("task_") for word in said)
    assert len(said) < 60


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
