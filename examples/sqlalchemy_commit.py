# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline[lab]",
#     "sqlalchemy[aiosqlite]",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""What a task reads of a row that its request has just changed, and when it is committed.

FastAPI closes a `yield` dependency after the response, and that is where sessions are usually
committed. So a task may come too early, in every mode. With scope="function" the dependency
closes when the endpoint has returned, before both of the later modes.

uv run examples/sqlalchemy_commit.py
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from fastapi_tasks import Tasks, add_tasks
from visualize import lab, text

folder = tempfile.TemporaryDirectory()
engine = create_async_engine(f"sqlite+aiosqlite:///{Path(folder.name, 'orders.db')}")
Session = async_sessionmaker(engine)
seen: dict[str, str] = {}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.execute(sql("CREATE TABLE orders (name TEXT, state TEXT)"))
        await connection.execute(sql("INSERT INTO orders VALUES ('a', 'old'), ('b', 'old')"))
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
add_tasks(app, watch=True)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with Session() as session:
        yield session
        await asyncio.sleep(0.02)  # a database farther away takes its time
        await session.commit()


async def read(name: str) -> None:
    async with Session() as session:  # a session of its own: the request's is closed by then
        row = await session.execute(
            sql("SELECT state FROM orders WHERE name = :name"), {"name": name}
        )
        seen[name] = row.scalar_one()


async def change(session: AsyncSession, name: str) -> None:
    await session.execute(sql("UPDATE orders SET state = 'new' WHERE name = :name"), {"name": name})


@app.post("/too-early")
async def too_early(tasks: Tasks, session: Annotated[AsyncSession, Depends(get_session)]) -> None:
    await change(session, "a")
    tasks.after_route.schedule(read, "a")


@app.post("/committed")
async def committed(
    tasks: Tasks, session: Annotated[AsyncSession, Depends(get_session, scope="function")]
) -> None:
    await change(session, "b")
    tasks.after_route.schedule(read, "b")


if __name__ == "__main__":
    with lab.serve(app) as server:
        for path in ("/too-early", "/committed"):
            print(text(server.timeline(server.post(path))))
    print(f"a session of the default scope: the task read the {seen['a']} state")
    print(f'a session of scope="function":  the task read the {seen["b"]} state')
    folder.cleanup()
