"""What SQLite cannot show: a driver with parameters, initial statements and waits of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from fastapi_tasks import to_json
from fastapi_tasks.watch import sql

from .postgres_server import postgres_server
from .watching import assert_in_time, tree, watched

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the server is on a Unix socket"),
]

METADATA = sa.MetaData()
ORDERS = sa.Table(
    "Orders",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text),
    schema="shop",
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pytest.importorskip("asyncpg", reason="asyncpg is not installed")
    with postgres_server() as folder:
        yield f"postgresql+asyncpg://shop@/postgres?host={folder}"


def test_statements_and_waits_of_asyncpg(url: str) -> None:
    async def use() -> None:
        sql.install()
        engine = create_async_engine(url, pool_size=1, max_overflow=0)
        with watched() as timeline:
            async with engine.begin() as connection:
                await connection.execute(sa.schema.CreateSchema("shop"))
                await connection.run_sync(METADATA.create_all, checkfirst=False)
                rows = [{"name": f"secret {number}"} for number in range(3000)]
                await connection.execute(sa.insert(ORDERS), rows)
                await connection.execute(sa.insert(ORDERS).returning(ORDERS.c.id), rows)
                await connection.execute(sa.select(ORDERS).where(ORDERS.c.name == "secret"))
            with pytest.raises(sa.exc.DBAPIError):
                async with engine.begin() as connection:
                    await connection.execute(sa.text("SELECT $$ FROM secret $$, 1 / 0"))
            with pytest.raises(TimeoutError):
                async with engine.connect() as connection, asyncio.timeout(0.1):
                    await connection.execute(sa.text("SELECT pg_sleep(10), 'secret'"))
        await engine.dispose()

        lines = tree(timeline)
        # What the dialect asks a new connection is inside of the wait for it.
        assert lines[:5] == [
            "pool waits for a connection",
            "  sql SELECT",
            "  sql SELECT",
            "  sql SHOW",
            "sql CREATE",
        ]
        assert [line for line in lines[4:] if line != "pool waits for a connection"] == [
            "sql CREATE",
            "sql CREATE shop.Orders",
            "sql INSERT shop.Orders",
            "sql INSERT shop.Orders",
            "sql SELECT shop.Orders",
            "sql COMMIT",
            "sql SELECT ! Error",
            "sql ROLLBACK",
            "sql SELECT ! CancelledError",
        ]
        assert_in_time(timeline)
        assert {span.attributes["system"] for span in timeline.spans if span.kind == "sql"} == {
            "postgresql"
        }
        assert "secret" not in to_json(timeline)

    asyncio.run(use())
