# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline[lab]",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""Lose no job, whatever kills the process: an outbox, a row that is committed with the order.

Order and row are both there or neither is. A task hands the job over as soon as the response has
been sent, and each start of the app hands over what a killed process has left. So a job may be
handed over twice, if a process was killed before it had deleted the row: whoever takes it must be
able to take it again.

uv run examples/outbox.py
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException

from fastapi_tasks import Tasks, add_tasks
from visualize import lab

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (item TEXT);
CREATE TABLE IF NOT EXISTS outbox (item TEXT);
"""
killed = "killed" in sys.argv
made = None if killed else tempfile.TemporaryDirectory()
folder = Path(made.name if made else sys.argv[-1])
sent: list[str] = []


def connect() -> sqlite3.Connection:
    return sqlite3.connect(folder / "orders.db", check_same_thread=False)


def rows() -> list[tuple[int, str]]:
    with closing(connect()) as connection:
        return connection.execute("SELECT rowid, item FROM outbox").fetchall()


def hand_over() -> None:
    if killed:
        os._exit(9)  # as the platform does when memory runs out
    for row, item in rows():
        sent.append(item)  # in an app: to the queue, the mail server, the webhook
        with closing(connect()) as connection, connection:
            connection.execute("DELETE FROM outbox WHERE rowid = ?", [row])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with closing(connect()) as connection:
        connection.executescript(SCHEMA)
    if rows():
        hand_over()
    yield


def get_connection() -> Iterator[sqlite3.Connection]:
    with closing(connect()) as connection, connection:
        yield connection


Connection = Annotated[sqlite3.Connection, Depends(get_connection, scope="function")]
app = FastAPI(lifespan=lifespan)
add_tasks(app)


@app.post("/orders")
def order(item: str, tasks: Tasks, connection: Connection) -> dict[str, str]:
    connection.execute("INSERT INTO orders VALUES (?)", [item])
    connection.execute("INSERT INTO outbox VALUES (?)", [item])
    tasks.after_response.task(limit=1).schedule(hand_over)  # one at a time
    if item == "unicorn":
        raise HTTPException(409, "sold out")
    return {"status": "processing"}


def visit(*items: str) -> None:
    with lab.serve(app, quiet=True) as server:
        for item in items:
            timeline = server.timeline(server.post("/orders", params={"item": item}))
            print(f"{item}: {timeline.status}, {timeline.task('hand_over').outcome}")


if __name__ == "__main__" and made is None:
    visit("book")
elif __name__ == "__main__" and made is not None:
    visit("pen", "unicorn")
    subprocess.run([sys.executable, __file__, "killed", str(folder)], check=False)
    print(f"killed before it handed over: {[item for _, item in rows()]} waits")
    visit("ink")
    print(f"sent: {', '.join(sent)}; {len(rows())} left")
    made.cleanup()
