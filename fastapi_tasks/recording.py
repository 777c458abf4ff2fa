"""Timelines as JSON Lines: write, read, and merge them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .errors import RecordingError
from .timeline import Timeline

FORMAT = 1


@cache
def _adapter() -> TypeAdapter[Timeline]:
    # Built at first use: an app that only records never pays for it.
    return TypeAdapter(Timeline)


def to_json(timelines: Timeline | Iterable[Timeline]) -> str:
    """Write timelines as JSON Lines: one line each, all times in nanoseconds.

    Fields that have their default value are left out.
    """
    if isinstance(timelines, Timeline):
        timelines = [timelines]
    return "".join(_line(timeline) for timeline in timelines)


def _line(timeline: Timeline) -> str:
    fields = _adapter().dump_json(timeline, exclude_defaults=True).decode()
    return f'{{"format":{FORMAT},{fields[1:]}\n'


def from_json(text: str) -> list[Timeline]:
    """Read what `to_json` wrote. Raises RecordingError, which names the line and what is wrong."""
    lines = enumerate(text.split("\n"), start=1)
    return [_read(line, number) for number, line in lines if line.strip()]


def _read(line: str, number: int) -> Timeline:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise RecordingError(
            f"line {number} is not a whole JSON object, perhaps cut off ({error}): "
            "remove the line, or record again"
        ) from None
    if not isinstance(data, dict) or "format" not in data:
        raise RecordingError(
            f"line {number} is not a timeline, it has no format version: "
            "give a file that was written by to_json(), save() or the record command"
        )
    version = data.pop("format")
    if version != FORMAT:
        raise RecordingError(
            f"line {number} has format version {version!r}, and this release reads only "
            f"{FORMAT}: read it with the release that wrote it"
        )
    try:
        return _adapter().validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "its fields"
        raise RecordingError(
            f"line {number} is damaged, {where}: {first['msg'].lower()}: "
            "remove the line, or record again"
        ) from None


def save(timelines: Timeline | Iterable[Timeline], path: str | Path) -> None:
    """Write timelines to a file as JSON Lines. Raises OSError if it cannot be written."""
    Path(path).write_text(to_json(timelines), encoding="utf-8")


def load(path: str | Path) -> list[Timeline]:
    """Read the timelines of a file.

    Raises RecordingError, which names the line, and OSError if the file cannot be read.
    """
    try:
        return from_json(Path(path).read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise RecordingError(
            f"{path} is not text ({error.reason} at byte {error.start}): "
            "give a file that was written by save() or the record command"
        ) from None
    except RecordingError as error:
        raise RecordingError(f"{path}: {error}") from None


def merge(*recordings: Iterable[Timeline]) -> list[Timeline]:
    """Put the timelines of several workers on one clock, the wall clock, in order of their start.

    Their times become nanoseconds since the epoch. Each keeps the distances that its own
    monotonic clock measured, also where the wall clocks disagree. The originals stay as they are.
    """
    merged = [shift(one, one.wall - one.request_start) for many in recordings for one in many]
    return sorted(merged, key=lambda timeline: timeline.request_start)


def shift(timeline: Timeline, by: int) -> Timeline:
    """Return a copy of the timeline with every time moved by so many nanoseconds."""
    moved = _adapter().validate_python(_moved(_adapter().dump_python(timeline), by))
    moved.wall = timeline.wall
    return moved


_TIMES = {
    *("request_start", "endpoint_start", "endpoint_end", "response_start", "response_sent"),
    *("request_end", "requested", "released", "started", "finished", "start", "end"),
    *("sent", "answered", "received"),
}


def _moved(value: Any, by: int) -> Any:
    if isinstance(value, list):
        return [_moved(one, by) for one in value]
    if isinstance(value, dict):
        return {
            key: one + by if key in _TIMES and one is not None else _moved(one, by)
            for key, one in value.items()
        }
    return value
