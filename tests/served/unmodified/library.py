"""A lending library on Litestar, which FastAPI has no part in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Response, Router, get, post
from litestar.background_tasks import BackgroundTask, BackgroundTasks
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import StaticPool

engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.execute(text("create table loans (book text)"))
    yield
    await engine.dispose()


async def get_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine) as session:
        yield session


async def remind(book: str) -> None:
    await asyncio.sleep(0.001)


def print_slip(book: str) -> None: ...


async def log_it() -> None: ...


@post("/loans", dependencies={"session": Provide(get_session)})
async def lend(data: JSONBody[dict[str, str]], session: NamedDependency[AsyncSession]) -> Response[dict[str, str]]:
    await session.execute(text("insert into loans values (:book)"), data)
    await session.commit()
    noted = asyncio.create_task(log_it())
    await noted
    tasks = [BackgroundTask(remind, data["book"]), BackgroundTask(print_slip, data["book"])]
    return Response(data, background=BackgroundTasks(tasks))


@get("/books/{number:int}")
async def show(number: FromPath[int]) -> dict[str, int]:
    if number > 9:
        raise NotFoundException
    time.sleep(0.05)
    return {"number": number}


@get("/count", sync_to_thread=True)
def count() -> int:
    return 3


@get("/pages")
async def pages() -> Stream:
    async def each() -> AsyncIterator[str]:
        for number in range(3):
            yield f"{number}\n"

    return Stream(each())


def create() -> Any:
    return Litestar([lend, Router("/v1", route_handlers=[show, count, pages])], lifespan=[lifespan])
