"""A line of the user's that holds the loop in a library which runs in a greenlet of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import StaticPool

from fastapi_tasks import Recorder, add_tasks
from fastapi_tasks.watch import greenlets
from fastapi_tasks.watch.stacks import stack_of

from .asgi import serving
from .watching import watched

pytest.importorskip("greenlet", reason="greenlet is not installed")
pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

numbers = sa.table("numbers", sa.column("n"))
greenlets.install()


def huge() -> Any:
    """A statement that the library takes long to write, all by itself."""
    return sa.select(numbers).where(sa.or_(*(numbers.c.n == one for one in range(8000))))


async def test_is_named_though_it_is_not_on_the_stack_of_the_thread() -> None:
    app = FastAPI()
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)

    @app.get("/")
    async def endpoint() -> None:
        async with engine.connect() as connection:
            await connection.execute(sa.text("CREATE TABLE numbers (n INTEGER)"))
            statement = huge()
            await asyncio.sleep(0)
            await ask(connection, statement)

    recorder = Recorder()
    add_tasks(app, recorder=recorder, watch=True)
    async with serving(app) as server:
        await server.get("/")
        await engine.dispose()
    (timeline,) = recorder.timelines
    lines = [one.line or "" for one in timeline.busy]
    assert any(line.endswith(" in ask") for line in lines), lines


async def ask(connection: AsyncConnection, statement: Any) -> None:
    # It is refused at last, as there are too many parameters.
    with pytest.raises(sa.exc.OperationalError):
        await connection.execute(statement)


def seen_by_another_thread() -> list[str]:
    """The functions on the stack of this thread as another one sees it, deepest first."""
    mine, found = threading.get_ident(), list[str]()

    def look() -> None:
        found.extend(call.code.co_name for call in stack_of(mine) or ())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found


async def spawn(work: Callable[[], Any]) -> Any:
    from sqlalchemy.ext.asyncio import engine

    return await engine.greenlet_spawn(work)  # type: ignore[attr-defined]


async def test_the_stack_goes_on_with_what_waits_for_the_greenlet() -> None:
    with watched():
        functions = await spawn(seen_by_another_thread)
    assert "seen_by_another_thread" in functions
    place = functions.index("spawn")
    assert functions[place - 1] == "greenlet_spawn"
    assert functions[place + 1] == "test_the_stack_goes_on_with_what_waits_for_the_greenlet"
    assert functions.count("spawn") == 1


async def test_of_several_that_wait_it_is_the_one_that_is_at_work() -> None:
    from sqlalchemy.util import await_only

    async def first() -> Any:
        return await spawn(lambda: (await_only(asyncio.sleep(0.01)), seen_by_another_thread())[1])

    async def second() -> Any:
        return await spawn(lambda: await_only(asyncio.sleep(0.05)))

    with watched():
        functions, _ = await asyncio.gather(first(), second())
    assert "first" in functions
    assert "second" not in functions


async def test_it_stands_once_where_the_coroutine_itself_is_at_work() -> None:
    async def later() -> list[str]:
        return seen_by_another_thread()

    from sqlalchemy.util import await_only

    with watched():
        functions = await spawn(lambda: await_only(later()))
    assert functions.count("spawn") == 1
    assert functions.index("later") < functions.index("spawn")


async def test_nothing_is_kept_in_sight_outside_of_watched_requests() -> None:
    assert await spawn(lambda: greenlets.outside(threading.get_ident())) is None
    with watched():
        assert await spawn(lambda: greenlets.outside(threading.get_ident())) is not None
        assert greenlets.outside(threading.get_ident()) is None
        with pytest.raises(ZeroDivisionError):
            await spawn(lambda: 1 // 0)
    assert greenlets._waiting[threading.get_ident()] == {}
