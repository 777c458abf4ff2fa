"""What travels to the live page: server-sent events.

A message has one line of JSON for each request that has news: `process` and `id` name the
request, `request_start` and `wall` place it, and its other fields are those of a recording.
`tasks` and `busy` are objects, from a task's id or a segment's number to the record, as it is now:
only those with news are in them. A field that has its default value is left out. Applying a line
twice changes nothing. The `id:` of a message is a cursor, which a browser sends back when it
reconnects (`Last-Event-ID`); messages without one belong together with the next that has it.

An event named `dropped` holds a number: so many requests, in all, were let go before the reader
saw them.
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
