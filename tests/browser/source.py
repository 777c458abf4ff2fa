"""An origin of our own that serves the live page, and says what a test wants it to say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

from visualize.page import asset, live_html

HANG_UP = "hang up"
SCRIPTS = ("/timeline.js", "/later.js", "/file.js")
NOW = {
    "wall": 1, "processes": 1, "seconds": 10.0, "requests": 120, "per_second": 12.5, "errors": 3,
    "held_ns": 41_000_000, "in_flight": 2, "tasks": 7,
    "slowest": {
        "process": 7, "request": 1, "task": 2, "name": "send_mail", "title": "POST /checkout #1",
        "ran_ns": 3_200_000_000,
    },
}  # fmt: skip
"""What goes on right now, as a server tells it."""


class Source:
    """An origin that serves the live page, and as events what a test puts into `events`."""

    def __init__(self) -> None:
        self.events: Queue[str] = Queue()
        self.connections: Queue[str | None] = Queue()
        self.limit = 1000
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/":
                    self.answer("text/html", live_html("events", limit=source.limit))
                elif self.path in SCRIPTS:
                    self.answer("text/javascript", asset(self.path[1:]))
                elif self.path == "/events":
                    source.stream(self)
                else:
                    self.answer("text/plain", "")

            def answer(self, kind: str, text: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def stream(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        handler.wfile.write(b"retry: 20\n\n")
        self.connections.put(handler.headers.get("Last-Event-ID"))
        while (event := self.events.get()) != HANG_UP:
            handler.wfile.write(event.encode())
            handler.wfile.flush()

    def send(self, *rows: Any, id: str = "", event: str = "") -> None:
        """Send rows, one JSON object a line, as one message."""
        lines = [f"id: {id}"] * bool(id) + [f"event: {event}"] * bool(event)
        lines += [f"data: {row if isinstance(row, str) else json.dumps(row)}" for row in rows]
        self.events.put("\n".join(lines) + "\n\n")


@contextmanager
def serving() -> Iterator[Source]:
    """Serve for as long as it is entered."""
    source = Source()
    thread = Thread(target=source.server.serve_forever)
    thread.start()
    yield source
    for _ in range(3):
        source.events.put(HANG_UP)
    source.server.shutdown()
    source.server.server_close()
    thread.join()
