"""The rules that Perfetto drops, merges or binds events for without an error."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

Event = dict[str, Any]


def events_of(trace: str) -> list[Event]:
    found: list[Event] = json.loads(trace)["traceEvents"]
    return found


def broken_rules(trace: str) -> list[str]:
    """What Perfetto would drop, merge or bind wrongly without an error."""
    events = events_of(trace)
    return [*_broken_names(events), *_broken_bars(events), *_broken_arrows(events)]


def _broken_names(events: list[Event]) -> Iterator[str]:
    named = {
        (event["name"], event["pid"], event.get("tid"))
        for event in events
        if event["ph"] == "M" and event["args"]
    }
    processes = {event["pid"] for event in events}
    for event in events:
        pid, tid = event["pid"], event.get("tid")
        for what in ("name", "sort_index"):
            if (f"process_{what}", pid, None) not in named:
                yield f"process {pid} has no {what}"
            if tid is not None and (f"thread_{what}", pid, tid) not in named:
                yield f"thread {tid} has no {what}"
        if tid == 0 or tid in processes:
            yield f"thread {tid} is taken for a process"


def _broken_bars(events: list[Event]) -> Iterator[str]:
    for lane, bars in _bars(events).items():
        ends: list[int] = []
        for start, end, _ in sorted(bars, key=lambda bar: (bar[0], -bar[1])):
            while ends and ends[-1] <= start:
                ends.pop()
            if ends and end > ends[-1]:
                yield f"bars overlap on {lane} at {start}"
            if end <= start or start < 0:
                yield f"a bar on {lane} at {start} has no extent"
            ends.append(end)


def _bars(events: list[Event]) -> dict[tuple[int, int], list[tuple[int, int, int]]]:
    """Start, end (both in ns) and place in the file of each bar, by process and thread."""
    bars = defaultdict(list)
    for place, event in enumerate(events):
        if event["ph"] == "X":
            start = round(event["ts"] * 1000)
            end = start + round(event["dur"] * 1000)
            bars[event["pid"], event["tid"]].append((start, end, place))
    return bars


def _broken_arrows(events: list[Event]) -> Iterator[str]:
    bars = _bars(events)
    ends = defaultdict(list)
    for place, event in enumerate(events):
        if event["ph"] in "sf":
            ends[event["id"], event["name"], event["cat"]].append(event["ph"])
            at = round(event["ts"] * 1000)
            lane = bars[event["pid"], event["tid"]]
            if type(event["id"]) is not int:
                yield f"arrow {event['id']!r} has no number"
            if event["ph"] == "s" and not any(start <= at < end for start, end, _ in lane):
                yield f"arrow {event['id']} starts in no bar"
            if event["ph"] == "f":
                if event.get("bp") != "e":
                    yield f"arrow {event['id']} ends at the next bar"
                if not any(start == at and before < place for start, _, before in lane):
                    yield f"arrow {event['id']} ends at no start"
    for (number, *_), phases in ends.items():
        if phases != ["s", "f"]:
            yield f"arrow {number} has {phases}"
