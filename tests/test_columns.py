"""The viewer's data: undone by hand, here, it is the recording again."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from hypothesis import given

from fastapi_tasks.timeline import Busy, ClientView, Span, TaskRecord, Timeline
from tests.samples import checkout, random_timelines, repeating
from tests.strategies import recordings, unhurried
from visualize.columns import pack

NESTED: dict[str, Any] = {
    "tasks": TaskRecord,
    "spans": Span,
    "busy": Busy,
    "client": ClientView,
}


def unpack(packed: str) -> list[Timeline]:
    """Undo `pack` by what it says of its own format."""
    data = zlib.decompress(base64.b64decode(packed), wbits=-zlib.MAX_WBITS)
    header, _, body = data.partition(b"\0")
    told = json.loads(header)
    widths = iter(told["widths"])
    records: dict[str, list[list[dict[str, Any]]]] = {}
    for name, counts, fields in told["tables"]:
        columns = []
        for _ in fields:
            width, rows = next(widths), sum(counts)
            planes, body = body[: width * rows], body[width * rows :]
            columns.append([_number(planes[row::rows]) for row in range(rows)])
        rows = iter(zip(*columns, strict=True))
        records[name] = [
            [dict(zip((f for f, _ in fields), next(rows), strict=True)) for _ in range(n)]
            for n in counts
        ]
    kinds = {name: dict(fields) for name, _, fields in told["tables"]}
    timelines = []
    clock = offset = 0
    for i, (step, apart) in enumerate(zip(told["clock"], told["offset"], strict=True)):
        clock, offset = clock + int(step), offset + int(apart)
        fields = _told(records["requests"][i][0], kinds["requests"], told["values"], clock, {})
        timeline = Timeline(wall=clock + offset, request_start=clock, **fields)
        for name, kind in NESTED.items():
            found = [
                kind(**_told(record, kinds[name], told["values"], clock, fields))
                for record in records[name][i]
            ]
            setattr(timeline, name, next(iter(found), None) if name == "client" else found)
        timelines.append(timeline)
    assert body == b""
    return timelines


def _number(planes: bytes) -> int | None:
    code = int.from_bytes(planes, "little")
    return None if code == 0 else code // 2 if code % 2 else -code // 2


def _told(
    record: dict[str, Any], kinds: dict[str, str], values: list[Any], clock: int, request: Any
) -> dict[str, Any]:
    time = clock
    told: dict[str, Any] = {}
    for field, value in record.items():
        kind = kinds[field]
        if kind == "release":
            due = {"after_route": "endpoint_end", "after_response": "response_sent"}
            mark = request.get(due.get(told["mode"], ""))
            time = time if mark is None else mark
        if kind in ("time", "release") and value is not None:
            time = value = time + value
        told[field] = values[value] if kind == "value" and value is not None else value
    return told


@unhurried
@given(recordings)
def test_any_recording_survives(recording: list[Timeline]) -> None:
    assert unpack(pack(recording)) == recording


@pytest.mark.parametrize("recording", [[], [checkout(), repeating()], random_timelines(7, 9)])
def test_samples_survive(recording: list[Timeline]) -> None:
    assert unpack(pack(recording)) == recording


def test_times_survive_however_long_the_machine_is_up() -> None:
    recording = [checkout(1, 2**61 + 1), checkout(2, 2**61 + 7)]
    assert unpack(pack(recording)) == recording


def test_times_that_no_clock_shows_are_refused() -> None:
    timeline = checkout()
    timeline.tasks[0].started = 2**64
    with pytest.raises(ValueError, match=r"more than 146 years apart.* check the unit"):
        pack([timeline])


def test_a_task_costs_few_bytes() -> None:
    assert len(pack(random_timelines(1000, 10))) < 18 * 10_000
