"""A reader's own stamps, laid over what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import ascii_uppercase
from typing import TYPE_CHECKING

from fastapi_tasks import Timeline
from visualize.units import ms

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from visualize.notebook import Shown

MARKS = {
    "request_start": "request arrives",
    "endpoint_start": "endpoint starts",
    "endpoint_end": "endpoint ends",
    "response_start": "response starts",
    "response_sent": "response sent",
}
MOMENTS = ("requested", "released", "started", "finished")
APART, LETTER = 0.01, 0.012
"""Pins closer than this part of the width, and this for each letter of the label before them,
share that label."""


def moments(timeline: Timeline, seen: Mapping[str, int]) -> str:
    """Return a table of the recorded moments with `seen`, the reader's stamps, among them.

    Stamps are nanoseconds of `time.perf_counter_ns`, the clock of the recording. Each has the same
    letter as in `lay_over`.
    """
    recorded = [(moment, "  ", name) for moment, name in _recorded(timeline)]
    own = [(moment, f"{letter} ", name) for letter, name, moment in _lettered(seen)]
    rows = sorted([*recorded, *own], key=lambda row: row[0])
    start = timeline.request_start
    return "\n".join(f"{ms(at - start):8.1f} ms  {letter} {name}" for at, letter, name in rows)


def lay_over(timeline: Timeline, seen: Mapping[str, int]) -> Axes | Shown:
    """Draw the timeline with a pin for each of the reader's stamps, and return the axes.

    Stamps are nanoseconds of `time.perf_counter_ns`. Pins have letters in the order of `seen`. In
    a browser, without matplotlib, it is the page, and the pins are a table below it.
    """
    from visualize import notebook

    if not notebook.PICTURES:
        return notebook.show(timeline).above(moments(timeline, seen))
    from visualize.figure import plot

    axes = plot(timeline)
    pins = [(ms(at - timeline.request_start), letter) for letter, _, at in _lettered(seen)]
    low, high = _with_room(*axes.get_xlim(), [x for x, _ in pins])
    axes.set_xlim(low, high)
    groups: list[tuple[float, str]] = []
    for x, letter in sorted(pins):
        axes.axvline(x, color="#CC3311", linewidth=0.9, linestyle=(0, (1, 1.2)), zorder=20)
        if groups and x - groups[-1][0] < _taken(groups[-1][1]) * (high - low):
            groups[-1] = groups[-1][0], groups[-1][1] + letter
        else:
            groups.append((x, letter))
    for x, letters in groups:
        axes.annotate(
            letters, (x, 0), xycoords=("data", "axes fraction"), xytext=(1.5, 2),
            textcoords="offset points", fontsize=7, weight="bold", color="#CC3311", zorder=21,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
        )  # fmt: skip
    return axes


def _taken(letters: str) -> float:
    """Return the part of the width that a label takes, with the gap behind it."""
    return APART + LETTER * len(letters)


def _with_room(low: float, high: float, pins: list[float]) -> tuple[float, float]:
    """Return the limits of an axis that shows the pins as well, none of them on its edge."""
    edge = _taken("A") * (high - low)
    return min([low, *(x - edge for x in pins)]), max([high, *(x + edge for x in pins)])


def _lettered(seen: Mapping[str, int]) -> Iterator[tuple[str, str, int]]:
    for number, (name, moment) in enumerate(seen.items()):
        yield ascii_uppercase[number % len(ascii_uppercase)], name, moment


def _recorded(timeline: Timeline) -> Iterator[tuple[int, str]]:
    for name, words in MARKS.items():
        moment = getattr(timeline, name)
        if moment is not None:
            yield moment, words
    for task in timeline.tasks:
        for name in MOMENTS:
            moment = getattr(task, name)
            if moment is not None:
                yield moment, f"{task.name} {name}"
