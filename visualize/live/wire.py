"""What travels to the live page: server-sent events.

A message has one line of JSON for each request that has news: `process` and `id` name the
request, `request_start` and `wall` place it, and its other fields are those of a recording.
`tasks`, `spans` and `busy` are objects, from a task's or span's id or a segment's number to the
record, as it is now: only those with news are in them. A field that has its default value is left
out. Applying a line twice changes nothing. The `id:` of a message is a cursor, which a browser
sends back when it reconnects (`Last-Event-ID`); messages without one belong together with the next
that has it.

Four events have names. None of them moves the cursor, and each replaces what the one before said.

`dropped` holds a number: so many requests, in all, were let go before the reader saw them.

`counters` comes each second while somebody reads, and first of all to whoever begins:

    {"wall": 1764135000123456789,     nanoseconds since the epoch: when this was so
     "processes": 1,                  how many of the server's processes are counted
     "seconds": 10.0,                 the span of time that the next four are about
     "requests": 120,                 requests that began
     "per_second": 12.0,              the same as a rate
     "errors": 3,                     requests that failed (an exception, a status from 500) and
                                      tasks that ended neither ok nor cancelled
     "held_ns": 41000000,             how long the event loop was held, in steps over the threshold
     "in_flight": 2,                  requests under way now
     "tasks": 7,                      tasks that wait or run now
     "slowest": {"process": 4711, "request": 12, "task": 3, "name": "send_mail",
                 "title": "POST /orders #12", "ran_ns": 3200000000}}

`slowest` is the task that has been running for longest now, null where none runs.

`findings` comes when they changed, and to whoever begins:

    {"findings": [...],               as `visualize.answers.wire.findings_json` has them
     "requests": 256}                 of so many requests, the latest

`stopping` holds the number of the process that stops: its stream ends, others may go on.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import anyio.lowlevel

from fastapi_tasks import Timeline
from fastapi_tasks.facts import told

RETRY = b"retry: 100\n\n"
PER_MESSAGE = 64
PIECE = 64 * 1024
"""Bytes after which a piece of what is written is handed over."""
TURN = 0.002
"""Seconds of writing after which the event loop has its turn."""


def request_line(
    timeline: Timeline, tasks: Iterable[int], spans: Iterable[int], busy: Iterable[int]
) -> dict[str, object]:
    """Put a request's marks, and its tasks and spans of these ids and segments of these numbers."""
    line = told(timeline)
    for name, ids in (("tasks", set(tasks)), ("spans", set(spans))):
        held: list[Any] = getattr(timeline, name)
        if ids and (changed := {one.id: told(one) for one in held if one.id in ids}):
            line[name] = changed
    first = timeline.busy_dropped
    segments = dict(enumerate(timeline.busy, start=first))
    if held_up := {number: told(segments[number]) for number in busy if number in segments}:
        line["busy"] = held_up
    # No event tells when a client's view goes on, so it is left until it is whole.
    if timeline.client is not None and timeline.client.received is not None:
        line["client"] = told(timeline.client)
    return line


def encode(line: dict[str, object]) -> bytes:
    """Write one line of a message."""
    return b"data: %b\n" % json.dumps(line, separators=(",", ":")).encode()


def event(name: str, data: object) -> bytes:
    """Write an event of a name, which moves no cursor."""
    text = json.dumps(data, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode()


def end(cursor: object) -> bytes:
    """End a message, and move the reader's cursor."""
    return f"id: {cursor}\n\n".encode()


async def pieces(lines: Iterable[Callable[[], bytes]]) -> AsyncIterator[bytes]:
    """Write lines as messages, the last of which has yet to be ended, a piece at a time.

    Each line is made when it is its turn; now and then the event loop has one.
    """
    written = bytearray()
    begun = time.perf_counter()
    for number, line in enumerate(lines):
        if number and number % PER_MESSAGE == 0:
            written += b"\n"
        written += line()
        if len(written) > PIECE:
            yield bytes(written)
            written.clear()
        if time.perf_counter() - begun > TURN:
            await anyio.lowlevel.checkpoint()
            begun = time.perf_counter()
    if written:
        yield bytes(written)
