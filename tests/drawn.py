"""Look at figures as they are drawn: their words, and whether these fit."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from fastapi_tasks.timeline import Timeline
from tests.samples import MS


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
