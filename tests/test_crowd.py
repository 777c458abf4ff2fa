"""Figures of many requests: the numbers, what stands in front, and that all words fit."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from fastapi_tasks.timeline import Busy, TaskRecord, Timeline
from tests.samples import MS, WALL, random_timelines
from visualize import compare, plot
from visualize.figure.crowd import MANY, crowd
from visualize.theme import COLORS


def requests(many: int, every: int = 10 * MS, took: int = 5 * MS) -> list[Timeline]:
    """Requests that begin `every` so many nanoseconds, each with a task that runs 20 ms."""
    found = []
    for number in range(many):
        at = number * every
        sent = at + took
        task = TaskRecord("mail", "after_response", at, sent, sent + MS, sent + 21 * MS, "ok")
        found.append(Timeline(
            id=number + 1, kind="http", method="GET", path="/", wall=WALL + at, request_start=at,
            response_sent=sent, request_end=sent, status=200, process=1, tasks=[task],
        ))  # fmt: skip
    return found


def calm(many: int) -> list[Timeline]:
    timelines = random_timelines(many, 3)
    for timeline in timelines:
        for task in timeline.tasks:
            task.outcome = "ok"
    return timelines


# The numbers ---------------------------------------------------------------------------------


def test_each_bin_has_its_percentiles_and_the_whole_its_own() -> None:
    timelines = requests(100)
    for slow in timelines[50:]:
        assert slow.response_sent is not None
        slow.response_sent += 100 * MS
    one = crowd(timelines)
    half = len(one.response.p50) // 2
    assert one.response.p50[: half - 2] == pytest.approx(5)
    assert one.response.p95[half + 2] == pytest.approx(105)
    assert one.response.whole == pytest.approx((55, 105, 105))
    assert one.wait.whole == pytest.approx((1, 1, 1))
    assert (one.requests, one.tasks, one.counts.sum()) == (100, 100, 100)


def test_what_runs_at_once_is_counted_by_its_time() -> None:
    # One begins each 10 ms and runs for 20 ms: two at once, once the first have begun.
    one = crowd(requests(200))
    assert list(one.running) == ["after_response"]
    assert one.running["after_response"][2:-2] == pytest.approx(2)
    assert one.rates[1:-2] == pytest.approx(100, rel=0.2)


def test_how_many_ran_at_once_at_the_most_is_no_mean() -> None:
    # One starts when another ends, so there are never three; a burst is as high as it was.
    assert crowd(requests(200)).at_once == 2
    burst = requests(200)
    burst[100].tasks = [replace(burst[100].tasks[0], id=number) for number in range(30)]
    one = crowd(burst)
    assert one.at_once == 31
    assert sum(one.running.values()).max() < 30
    said = [text.get_text() for text in figure_of(plot(burst)).findobj(Text)]
    assert any("up to 31 at once" in words for words in said)


def test_no_failure_and_no_held_step_is_lost_or_counted_twice() -> None:
    timelines = requests(100)
    timelines[3].status = 503
    timelines[4].error = "ValueError"
    timelines[5].tasks[0].outcome = "error"
    timelines[6].tasks[0] = TaskRecord("never", "after_route", 7, outcome="discarded")
    step = Busy(30 * MS, 60 * MS, "GET / #4")
    for waited in timelines[3:6]:
        waited.busy = [step]
    one = crowd(timelines)
    assert one.failed.tolist() == [[30, 5], [40, 5]]
    assert (len(one.errors), one.failures) == (2, 4)
    assert one.held.tolist() == [[30, 60]]


def test_open_requests_and_tasks_do_no_harm() -> None:
    timelines = requests(70)
    last = timelines[-1]
    last.response_sent = last.request_end = last.status = None
    last.tasks = [TaskRecord("runs", "immediate", 690 * MS, 690 * MS, 690 * MS)]
    one = crowd(timelines)
    assert np.isfinite(one.response.whole).all()
    assert one.failures == 0


def test_processes_meet_on_the_wall_clock() -> None:
    first, second = requests(40), requests(40)
    for timeline in second:
        timeline.process = 2
        timeline.wall += 400 * MS
    assert crowd([*first, *second]).edges[-1] == pytest.approx(816)


# The picture ---------------------------------------------------------------------------------


def figure_of(ax: Axes) -> Figure:
    figure = ax.figure
    assert isinstance(figure, Figure)
    return figure


def words_of(figure: Figure) -> list[Text]:
    figure.set_dpi(100)
    figure.canvas.draw()
    found: list[Any] = figure.findobj(Text)
    return [text for text in found if text.get_visible() and text.get_text()]


def said(figure: Figure) -> set[str]:
    return {text.get_text() for text in words_of(figure)}


def assert_words_fit(figure: Figure) -> None:
    found = [(text.get_text(), text.get_window_extent()) for text in words_of(figure)]
    for words, box in found:
        assert figure.bbox.x0 <= box.x0, words
        assert box.x1 <= figure.bbox.x1, words
        assert box.y1 <= figure.bbox.y1, words
    for (one, here), (other, there) in combinations(found, 2):
        assert not here.overlaps(there), (one, other)


@pytest.mark.parametrize("width", [4, 8, 12])
@pytest.mark.parametrize("many", [MANY + 1, 500])
def test_words_fit(many: int, width: float) -> None:
    assert_words_fit(figure_of(plot(random_timelines(many, 3), width=width)))


def test_words_of_panels_fit() -> None:
    panels = {"before": calm(70), "after, a run whose name goes on and on " * 3: calm(300)}
    assert_words_fit(compare(panels))


def test_words_fit_axes_that_are_given() -> None:
    figure = Figure(figsize=(10, 7), layout="constrained")
    for ax in figure.subplots(2, 2).flat:
        assert plot(calm(200), ax=ax) is ax
    assert_words_fit(figure)


def boxes_of(ax: Axes, color: str) -> list[PolyCollection]:
    return [
        found
        for found in ax.collections
        if isinstance(found, PolyCollection) and to_hex(found.get_facecolor()[0]) == color  # type: ignore[index]
    ]


def crosses_of(ax: Axes) -> list[Line2D]:
    lines: list[Any] = ax.findobj(Line2D)
    return [line for line in lines if line.get_marker() == "X"]


def test_failures_stand_in_front_and_none_is_thinned_out() -> None:
    timelines = random_timelines(2000, 4)
    failed = sum(task.outcome == "error" for one in timelines for task in one.tasks)
    timelines[7].status = 500
    ax = plot(timelines)
    [strokes] = boxes_of(ax, COLORS["light"]["error"])
    assert len(strokes.get_paths()) == failed + 1
    [crosses] = crosses_of(ax)
    assert len(crosses.get_xydata()) == 1  # type: ignore[arg-type]
    behind = [one for one in ax.collections if one is not strokes]
    assert all(one.get_zorder() < strokes.get_zorder() for one in behind)
    assert all(one.get_zorder() < crosses.get_zorder() for one in ax.collections)
    assert f"{failed + 1:,} errors" in said(figure_of(ax))


def test_in_rows_of_bars_failures_are_not_thinned_out_either() -> None:
    timelines = random_timelines(3000, 4)
    failed = sum(task.outcome == "error" for one in timelines for task in one.tasks)
    [crosses] = crosses_of(plot(timelines, lanes="shared"))
    assert len(crosses.get_xydata()) == failed  # type: ignore[arg-type]


def test_a_short_failure_is_as_wide_as_a_pixel_whatever_the_others_span() -> None:
    early = calm(70)
    early[3].status = 500
    ax = compare({"early": early, "late": calm(2000)}).axes[0]
    [strokes] = boxes_of(ax, COLORS["light"]["error"])
    ends = ax.transData.transform(strokes.get_paths()[0].vertices)
    assert np.ptp(ends[:, 0]) >= 1


def test_each_request_is_drawn_where_it_is_asked_for() -> None:
    timelines = calm(MANY + 1)
    assert "response time" in said(figure_of(plot(timelines)))
    assert "response time" not in said(figure_of(plot(timelines, lanes="shared")))
    assert "response time" not in said(figure_of(plot(timelines[:MANY])))


def test_what_nothing_is_known_of_has_no_band() -> None:
    timelines = requests(80)
    for one in timelines:
        one.tasks = []
    words = said(figure_of(plot(timelines)))
    assert {"response time", "requests"} <= words
    assert not {"tasks running", "tasks waited", "loop held"} & words
    assert not any("error" in one for one in words)
