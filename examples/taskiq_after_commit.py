# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline[lab]",
#     "taskiq",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""Hand work to a queue when the order is committed: no job for an order that was rolled back.

The session's dependency has scope="function", so it commits when the endpoint returns. The job is
handed over in after_route, which comes after that. If the endpoint fails, the order is rolled back
and the job is discarded, both or none.

What is left: the process may be killed between the commit and the handing over, and then the order
stands without its job. Where that must not happen, the enqueueing belongs in the transaction
itself: a row in an outbox table (examples/outbox.py), or a queue that lives in the same database,
such as procrastinate.

uv run examples/taskiq_after_commit.py
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from taskiq import InMemoryBroker

from fastapi_tasks import Tasks, add_tasks
from visualize import lab

folder = tempfile.TemporaryDirectory()
database = Path(folder.name, "orders.db")
broker = InMemoryBroker()  # in production a broker that keeps its jobs: of Redis, RabbitMQ, NATS
invoiced: list[str] = []


def connect() -> sqlite3.Connection:
    return sqlite3.connect(database, check_same_thread=False)


@broker.task
async def write_invoice(item: str) -> None:
    connection = connect()
    found = connection.execute("SELECT count(*) FROM orders WHERE item = ?", [item]).fetchone()[0]
    connection.close()
    invoiced.append(f"{item}: {found} order")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    connection = connect()
    connection.execute("CREATE TABLE orders (item TEXT)")
    connection.close()
    await broker.startup()
    yield
    await broker.wait_all()
    await broker.shutdown()


async def get_connection() -> AsyncIterator[sqlite3.Connection]:
    connection = connect()
    try:
        yield connection
        await asyncio.sleep(0.01)
        connection.commit()
    finally:
        connection.close()


Connection = Annotated[sqlite3.Connection, Depends(get_connection, scope="function")]
app = FastAPI(lifespan=lifespan)
add_tasks(app)


@app.post("/orders")
async def order(item: str, tasks: Tasks, connection: Connection) -> dict[str, str]:
    connection.execute("INSERT INTO orders VALUES (?)", [item])
    tasks.after_route.task(name="hand over").schedule(write_invoice.kiq, item)
    if item == "unicorn":
        raise HTTPException(409, "sold out")
    return {"status": "processing"}


if __name__ == "__main__":
    with lab.serve(app, quiet=True) as server:
        for item in ("pen", "unicorn"):
            timeline = server.timeline(server.post("/orders", params={"item": item}))
            print(f"{item}: {timeline.status}, hand over {timeline.task('hand over').outcome}")
    print("invoices:", *invoiced)
    folder.cleanup()
