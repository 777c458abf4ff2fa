"""Two recordings in numbers: medians of every route and of every task in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median_low

from fastapi_tasks import Timeline, harmless
from visualize.words import duration

Key = tuple[str, str, str]
Spans = list[tuple[int | None, int | None]]

WORDS = ("count", "waited", "ran")
NONE = "–"


def summary(recordings: Mapping[str, Sequence[Timeline]]) -> str:
    """Write a table with columns for each label: how often, the median wait, the median run.

    A request runs until its response was sent.
    """
    groups = [_group(recording) for recording in recordings.values()]
    keys = dict.fromkeys(sorted(key for group in groups for key in group))
    head = ["", "mode", *(f"{word} {label}" for word in WORDS for label in recordings)]
    rows = [head]
    for key in keys:
        cells = [list(_cells(group.get(key, []))) for group in groups]
        rows.append(
            [*_names(key), *(cell for column in zip(*cells, strict=True) for cell in column)]
        )
    return "\n".join(_aligned(rows)) + "\n"


def _group(timelines: Iterable[Timeline]) -> dict[Key, Spans]:
    """Collect (waited, ran) of each request and of each task, by route, name and mode."""
    groups: dict[Key, Spans] = {}
    for timeline in timelines:
        route = f"{timeline.method} {timeline.route or timeline.path}"
        sent = timeline.response_sent
        took = None if sent is None else sent - timeline.request_start
        groups.setdefault((route, "", ""), []).append((None, took))
        for task in timeline.tasks:
            groups.setdefault((route, task.name, task.mode), []).append((task.waited, task.ran))
    return groups


def _names(key: Key) -> tuple[str, str]:
    route, name, mode = key
    return (f"  {harmless(name)}" if name else harmless(route)), mode


def _cells(spans: Spans) -> Iterator[str]:
    yield str(len(spans)) if spans else NONE
    for part in (0, 1):
        known = [value for span in spans if (value := span[part]) is not None]
        yield duration(median_low(known)) if known else NONE


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        names = map(str.ljust, row[:2], widths[:2])
        numbers = map(str.rjust, row[2:], widths[2:])
        yield "  ".join([*names, *numbers])
