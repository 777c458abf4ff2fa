"""Timelines as columns of small numbers: the data that the viewer's page carries."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fastapi_tasks import Busy, ClientView, Span, TaskRecord, Timeline
from fastapi_tasks.facts import moments, values
from visualize.assets import deflated

Column = list[int | None]

PARTS = {"tasks": TaskRecord, "spans": Span, "busy": Busy, "client": ClientView}
"""The records in a timeline, by the field that holds them."""

# They open the header, for each timeline, since all others count from them.
_OPENING = {"wall", "request_start"}


def _columns_of(kind: type) -> dict[str, str]:
    told = dict.fromkeys(values(kind), "value") | dict.fromkeys(moments(kind), "time")
    if "released" in told:
        told["released"] = "release"
    return {name: how for name, how in told.items() if name not in _OPENING}


RECORDS = {
    "requests": _columns_of(Timeline),
    **{name: _columns_of(kind) for name, kind in PARTS.items()},
}
"""The fields of each kind of record, and how each is told: as a value, or as a time."""

FORMAT = {
    told: {
        name: [field for field, kind in fields.items() if (kind == "value") == (told == "VALUES")]
        for name, fields in RECORDS.items()
    }
    for told in ("VALUES", "TIMES")
}
"""The same for the viewer."""

_EXACT = 2**53
"""Integers up to here survive the JSON of a browser; larger ones travel as text."""


class _Values:
    """A table of the values in use: a column holds positions in it."""

    def __init__(self) -> None:
        self._positions: dict[tuple[type, Any], int] = {}

    def __call__(self, value: Any) -> int | None:
        if value is None:
            return None
        # 1 and True are one key, but not one value; a dict is none.
        key = json.dumps(value) if isinstance(value, dict) else value
        return self._positions.setdefault((type(value), key), len(self._positions))

    @property
    def table(self) -> list[Any]:
        return [json.loads(value) if kind is dict else value for kind, value in self._positions]


def pack(timelines: Sequence[Timeline], findings: Sequence[Mapping[str, Any]] = ()) -> str:
    """Encode timelines, and what was found in them, as the text that the viewer unpacks.

    Times are exact to the nanosecond. It is base64 of a raw deflate stream, which a page undoes
    without a library: a JSON header, a zero byte, then every column. Raise ValueError if two times
    of one request are more than 146 years apart.
    """
    header, columns = encode(timelines)
    header["findings"] = findings
    try:
        blocks = [_planes(column) for column in columns]
    except struct.error:
        raise ValueError(
            "two times of one request are more than 146 years apart; "
            "times are integer nanoseconds: check the unit of what was recorded"
        ) from None
    header["widths"] = [
        len(block) // max(len(column), 1) for block, column in zip(blocks, columns, strict=True)
    ]
    head = json.dumps(header, separators=(",", ":")).encode()
    return base64.b64encode(deflated(b"\0".join([head, b"".join(blocks)]), 6)).decode()


def encode(timelines: Sequence[Timeline]) -> tuple[dict[str, Any], list[Column]]:
    """Turn timelines into a header that says what is there, and one column for each field."""
    values = _Values()
    tables: list[Any] = []
    columns: list[Column] = []
    records: dict[str, list[Sequence[Any]]] = {
        "requests": [[timeline] for timeline in timelines],
        **{name: [_held(timeline, name) for timeline in timelines] for name in PARTS},
    }
    for name, groups in records.items():
        fields = RECORDS[name]
        tables.append([name, [len(group) for group in groups], [*fields.items()]])
        owners = [
            (t, record) for t, group in zip(timelines, groups, strict=True) for record in group
        ]
        columns += _columns(fields, owners, values)
    header = {
        "values": values.table,
        "tables": tables,
        "clock": _differences(timeline.request_start for timeline in timelines),
        # The two clocks run together: their distance hardly ever changes.
        "offset": _differences(timeline.wall - timeline.request_start for timeline in timelines),
    }
    return header, columns


def _held(timeline: Timeline, name: str) -> Sequence[Any]:
    held = getattr(timeline, name)
    return held if isinstance(held, list) else [] if held is None else [held]


def _columns(
    fields: dict[str, str], owners: Sequence[tuple[Timeline, Any]], table: _Values
) -> Iterator[Column]:
    """One column a field. A time is its distance from the time before it in the same record."""
    before = [timeline.request_start for timeline, _ in owners]
    for field, kind in fields.items():
        values = [getattr(record, field) for _, record in owners]
        if kind == "value":
            yield [table(value) for value in values]
            continue
        if kind == "release":
            before = [_due(*owner) for owner in owners]
        yield [None if v is None else v - b for v, b in zip(values, before, strict=True)]
        before = [b if v is None else v for v, b in zip(values, before, strict=True)]


def _due(timeline: Timeline, task: TaskRecord) -> int:
    """The moment just before a task of its mode is released."""
    marks = {"after_route": timeline.endpoint_end, "after_response": timeline.response_sent}
    mark = marks.get(task.mode)
    return task.requested if mark is None else mark


def _differences(values: Iterable[int]) -> list[int | str]:
    column: list[int | str] = []
    before = 0
    for value in values:
        step = value - before
        column.append(step if abs(step) < _EXACT else str(step))
        before = value
    return column


def _planes(column: Column) -> bytes:
    """The column's numbers, first all their lowest bytes, then the next: those deflate best.

    0 is None; odd codes are numbers from 0 up, even ones from -1 down.
    """
    codes = [0 if v is None else 2 * v + 1 if v >= 0 else -2 * v for v in column]
    width = (max(codes, default=0).bit_length() + 7) // 8
    raw = struct.pack(f"<{len(codes)}Q", *codes)
    return b"".join(raw[plane::8] for plane in range(width))
