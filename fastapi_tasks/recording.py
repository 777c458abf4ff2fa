"""Timelines as JSON Lines: write, read, and merge them."""

from __future__ import annotations

import copy
import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from .errors import RecordingError
from .facts import moments, parts_of
from .files import beginning, writing
from .names import encodable, harmless
from .timeline import Timeline

FORMAT = 1
_START = f'{{"format":{FORMAT},'.encode()

LONGEST = 64 << 20
"""Bytes of a line; a task, a span or a busy segment takes some 150."""
_FARTHEST = 2**62 - 1
"""Nanoseconds, 146 years: the distance of any two such times is still a number of 64 bits."""

_SHOWN = 60
"""Characters of what is not ours that an error shows."""
_REMOVE = "remove the line, or record again"
_GIVE_ANOTHER = "give a file that was written by save() or the record command"


@cache
def _adapter() -> TypeAdapter[Timeline]:
    # Built at first use: an app that only records never pays for it.
    return TypeAdapter(Timeline)


@cache
def _validator() -> SchemaValidator:
    return SchemaValidator(_bounded(_adapter().core_schema))


def _bounded(schema: Any) -> Any:
    """Return the schema with bounds for every whole number in it."""
    if isinstance(schema, list):
        return [_bounded(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    bounds = {"ge": -_FARTHEST, "le": _FARTHEST} if schema.get("type") == "int" else {}
    return {name: _bounded(part) for name, part in schema.items()} | bounds


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
    return f"{_START.decode()}{text[1:]}\n"


def _encodable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _encodable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_encodable(one) for one in value]
    return encodable(value) if isinstance(value, str) else value


def from_json(text: str) -> list[Timeline]:
    """Read what `to_json` wrote. Raises RecordingError, which names the line and what is wrong."""
    # What UTF-8 has no bytes for is no JSON either: its escape will be refused.
    return _read_all(BytesIO(text.encode("utf-8", "backslashreplace")), "")


def lines_of(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield each line that holds something, with its number, one at a time.

    Raises RecordingError for a line that is longer than that of any timeline, so that memory stays
    bounded whatever the file is.
    """
    number = 0
    while line := file.readline(LONGEST):
        number += 1
        if len(line) == LONGEST and not line.endswith(b"\n"):
            raise RecordingError(
                f"line {number} is longer than {LONGEST >> 20} MiB, and no timeline is: "
                f"{_GIVE_ANOTHER}",
                number,
            )
        if number == 1:
            # Some editors put a byte order mark in front.
            line = line.removeprefix(BOM_UTF8)
        if not line.isspace() and line:
            yield number, line


def read_line(number: int, line: bytes) -> Timeline:
    """Read one line of a recording. Raises RecordingError, which names it and what is wrong."""
    try:
        return _read(line)
    except _RefusedError as refused:
        reason = str(refused)
        try:
            line.decode()
        except UnicodeDecodeError as error:
            reason = f"is not text ({error.reason} at byte {error.start}): {_GIVE_ANOTHER}"
        raise RecordingError(
            f"line {number} {reason}", number, cut=not line.endswith(b"\n")
        ) from None


class _RefusedError(Exception):
    """What is wrong with a line, whichever it is."""


def _read(line: bytes) -> Timeline:
    # The version comes first in what we write, so that most lines are parsed but once.
    if line.startswith(_START):
        return _validated(b"{" + line[len(_START) :])
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise _RefusedError(_not_whole(reason)) from None
    if not isinstance(data, dict) or "format" not in data:
        raise _RefusedError(
            "is not a timeline, it has no format version: "
            "give a file that was written by to_json(), save() or the record command"
        )
    version = data.pop("format")
    if version != FORMAT:
        shown = repr(version)[:_SHOWN]
        raise _RefusedError(
            f"has format version {shown}, and this release reads only "
            f"{FORMAT}: read it with the release that wrote it"
        )
    return _validated(json.dumps(data).encode())


def _validated(text: bytes) -> Timeline:
    try:
        read: Timeline = _validator().validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise _RefusedError(_not_whole(first["ctx"]["error"])) from None
        where = ".".join(str(part) for part in first["loc"])
        where = harmless(where[:_SHOWN]) or "its fields"
        what = first["msg"].lower()
        if first["type"] in ("less_than_equal", "greater_than_equal"):
            what = "no clock and no counter goes so far"
        raise _RefusedError(f"is damaged, {where}: {what}: {_REMOVE}") from None
    return read


def _not_whole(reason: str) -> str:
    return f"is not a whole JSON object, perhaps cut off ({reason}): {_REMOVE}"


def save(
    timelines: Timeline | Iterable[Timeline], path: str | Path, *, force: bool = False
) -> None:
    """Write timelines to a file as JSON Lines, whole or not at all; replace an older recording.

    With `force`, replace any other file too. Raises FileExistsError for such a file without
    `force`, OSError if it cannot be written.
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
    with Path(path).open("rb") as file:
        return _read_all(file, f"{path}: ")


def _read_all(file: IO[bytes], name: str) -> list[Timeline]:
    timelines: list[Timeline] = []
    try:
        for number, line in lines_of(file):
            timelines.append(read_line(number, line))
    except RecordingError as error:
        raise RecordingError(
            f"{name}{error}", error.line, cut=error.cut, timelines=timelines
        ) from None
    return timelines


def merge(*recordings: Iterable[Timeline]) -> list[Timeline]:
    """Put the timelines of several workers on one clock, the wall clock, in order of their start.

    Their times become nanoseconds since the epoch. Each keeps the distances that its own
    monotonic clock measured, even where wall clocks disagree. The originals do not change.
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
