"""Timelines as JSON Lines: write, read, and merge them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .errors import RecordingError
from .facts import moments, parts_of
from .files import beginning, writing
from .names import encodable, harmless
from .timeline import Timeline

FORMAT = 1
_START = f'{{"format":{FORMAT},'


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
    try:
        text = _adapter().dump_json(timeline, exclude_defaults=True).decode()
    except ValueError:
        # Half of a surrogate pair, as in a file's name of another encoding.
        fields = _encodable(_adapter().dump_python(timeline, exclude_defaults=True))
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return f'{{"format":{FORMAT},{text[1:]}\n'


def _encodable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _encodable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_encodable(one) for one in value]
    return encodable(value) if isinstance(value, str) else value


def from_json(text: str) -> list[Timeline]:
    """Read what `to_json` wrote. Raises RecordingError, which names the line and what is wrong."""
    # Some editors put a byte order mark in front.
    lines = enumerate(text.removeprefix("\ufeff").split("\n"), start=1)
    return [_read(line, number) for number, line in lines if line.strip()]


def _read(line: str, number: int) -> Timeline:
    # The version comes first in what we write, so that most lines are parsed but once.
    if line.startswith(_START):
        return _validated("{" + line[len(_START) :], number)
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise RecordingError(
            f"line {number} is not a whole JSON object, perhaps cut off ({reason}): "
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
    return _validated(json.dumps(data), number)


def _validated(text: str, number: int) -> Timeline:
    try:
        return _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise RecordingError(
                f"line {number} is not a whole JSON object, perhaps cut off "
                f"({first['ctx']['error']}): remove the line, or record again"
            ) from None
        where = harmless(".".join(str(part) for part in first["loc"])) or "its fields"
        raise RecordingError(
            f"line {number} is damaged, {where}: {first['msg'].lower()}: "
            "remove the line, or record again"
        ) from None


def save(
    timelines: Timeline | Iterable[Timeline], path: str | Path, *, force: bool = False
) -> None:
    """Write timelines to a file as JSON Lines, whole or not at all; one that is there is replaced.

    With `force`, also one that holds something else than a recording. Raises FileExistsError for
    such a file without it, OSError if it cannot be written.
    """
    head = beginning(path)
    if head and not force and not is_recording(head):
        raise FileExistsError(
            f"{path} is there and holds no recording: give another name, or force=True"
        )
    if isinstance(timelines, Timeline):
        timelines = [timelines]
    with writing(path) as file:
        file.writelines(_line(timeline).encode() for timeline in timelines)


def is_recording(head: bytes) -> bool:
    """Tell whether a file that begins so is a recording, of whatever format version."""
    return head.startswith(b'{"format":')


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
    moved = copy.deepcopy(timeline)
    for record in (moved, *parts_of(moved)):
        for name in moments(type(record)):
            time: int | None = getattr(record, name)
            if time is not None:
                setattr(record, name, time + by)
    return moved
