"""How a file is known to be one of ours, by its beginning; no other is ever replaced unasked."""

from __future__ import annotations

MAKER = "fastapi-tasks-timeline"
"""Stands in each picture."""

SIGNS = {
    "html": b' id="timeline" hidden>',
    "png": MAKER.encode(),
    "svg": MAKER.encode(),
    "mermaid": b"gantt\n",
    "perfetto": b'{"displayTimeUnit":"ms","traceEvents":[\n',
}
"""What stands at the beginning of each form that we have written, and of no other file."""
