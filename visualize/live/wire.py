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

    {"findings": [...],               as `visualize.answers.wire.answers_json` has them
     "requests": 256}                 of so many requests, the latest

`stopping` holds the number of the process that stops: its stream ends, others may go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from fastapi_tasks import Timeline
from fastapi_tasks.facts import told

RETRY = "retry: 100\n\n"
PER_MESSAGE = 64


def request_line(
    timeline: Timeline, tasks: Iterable[int], busy: Iterable[int]
) -> dict[str, object]:
    """Put a request's marks, and its tasks of these ids and busy segments of these numbers."""
    line = told(timeline)
    wanted = set(tasks)
    if changed := {task.id: told(task) for task in timeline.tasks if task.id in wanted}:
        line["tasks"] = changed
    first = timeline.busy_dropped
    segments = dict(enumerate(timeline.busy, start=first))
    if held := {number: told(segments[number]) for number in busy if number in segments}:
        line["busy"] = held
    # No event tells when a client's view goes on, so it is left until it is whole.
    if timeline.client is not None and timeline.client.received is not None:
        line["client"] = told(timeline.client)
    return line


def messages(
    lines: list[dict[str, object]], dropped: int | None, cursor: object, most: int = PER_MESSAGE
) -> Iterator[str]:
    """Write news as server-sent events, the last of which moves the reader's cursor."""
    parts = [] if dropped is None else [f"event: dropped\ndata: {dropped}\n"]
    for first in range(0, len(lines), most):
        some = (json.dumps(line, separators=(",", ":")) for line in lines[first : first + most])
        parts.append("".join(f"data: {line}\n" for line in some))
    for part in parts[:-1]:
        yield f"{part}\n"
    yield f"{parts[-1] if parts else ''}id: {cursor}\n\n"
