from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from fastapi_tasks import Recorder
from fastapi_tasks.watch import hook, sql

from .watching import assert_in_time, tree, watched


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


@pytest.fixture(params=["made before", "made after"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine on a file, with a connection that waits in its pool."""
    url = f"sqlite:///{tmp_path}/shop.db"
    if request.param == "made after":
        sql.install()
    engine = sa.create_engine(url)
    Base.metadata.create_all(engine)
    sql.install()
    yield engine
    engine.dispose()


@asynccontextmanager
async def async_engine(directory: Path, **options: Any) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{directory}/shop.db", **options)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sql.install()
    try:
        yield engine
    finally:
        await engine.dispose()


def test_statements_of_a_session_are_spans_named_by_verb_and_table(engine: sa.Engine) -> None:
    with watched(task=3) as timeline, Session(engine) as session:
        session.add(Order(name="a"))
        session.flush()
        session.scalars(sa.select(Order).where(Order.name == "a")).all()
        session.execute(sa.update(Order).values(name="b"))
        session.commit()

    assert tree(timeline, without="pool") == [
        "sql INSERT orders",
        "sql SELECT orders",
        "sql UPDATE orders",
        "sql COMMIT",
    ]
    assert_in_time(timeline)
    for span in timeline.spans:
        if span.kind == "sql":
            assert span.attributes == {"system": "sqlite"}
            assert span.task == 3


def test_many_rows_are_one_span(engine: sa.Engine) -> None:
    many = [{"name": f"name {number}"} for number in range(3000)]

    with watched() as timeline, engine.begin() as connection:
        connection.execute(sa.insert(Order), many)
        # With their keys, and so in batches.
        keys = connection.execute(sa.insert(Order).returning(Order.id), many).all()

    assert len(keys) == len(many)
    assert tree(timeline, without="pool") == ["sql INSERT orders"] * 2 + ["sql COMMIT"]
    assert_in_time(timeline)


def test_a_statement_that_fails_ends_with_the_error_that_the_app_sees(engine: sa.Engine) -> None:
    with watched() as timeline, Session(engine) as session:
        with pytest.raises(sa.exc.OperationalError):
            session.execute(sa.text("SELECT nothing FROM nowhere"))
        session.rollback()
        session.execute(sa.text("INSERT INTO orders VALUES (1, 'a')"))
        with pytest.raises(sa.exc.IntegrityError):
            session.execute(sa.text("INSERT INTO orders VALUES (1, 'a')"))

    assert tree(timeline, without="pool") == [
        "sql SELECT nowhere ! OperationalError",
        "sql ROLLBACK",
        "sql INSERT orders",
        "sql INSERT orders ! IntegrityError",
        "sql ROLLBACK",
    ]
    assert_in_time(timeline)


def test_a_statement_that_a_listener_of_the_apps_refuses_is_none(engine: sa.Engine) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError("read only")

    sa.event.listen(engine, "before_cursor_execute", refuse)
    with watched() as timeline, engine.connect() as connection, pytest.raises(PermissionError):
        connection.execute(sa.text("DELETE FROM orders"))

    assert tree(timeline, without="pool") == ["sql ROLLBACK"]


def test_statements_of_drivers_that_take_no_parameters(engine: sa.Engine) -> None:
    with watched() as timeline, engine.connect() as connection:
        plain = connection.execution_options(no_parameters=True)
        assert plain.exec_driver_sql("SELECT '%' FROM (SELECT 1) AS one").scalar() == "%"

    assert tree(timeline, without="pool") == ["sql SELECT", "sql ROLLBACK"]
    assert_in_time(timeline)


class Batching(SQLiteDialect_pysqlite):
    """Prepares for many rows, then goes on as others do."""

    supports_statement_cache = True

    def do_executemany(self, *arguments: Any, **options: Any) -> None:
        super().do_executemany(*arguments, **options)


class Looping(SQLiteDialect_pysqlite):
    """Sends many rows in a way of its own."""

    supports_statement_cache = True

    def do_executemany(
        self, cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        for row in parameters:
            cursor.execute(statement, row)


@pytest.mark.parametrize("dialect", ["Batching", "Looping"])
def test_a_dialects_own_way_is_recorded_once(dialect: str, tmp_path: Path) -> None:
    sql.install()
    sa.dialects.registry.register(dialect.lower(), __name__, dialect)
    engine = sa.create_engine(f"{dialect.lower()}:///{tmp_path}/shop.db")
    try:
        with watched() as timeline, engine.connect() as connection:
            connection.execute(sa.text("CREATE TABLE orders (name TEXT)"))
            insert = sa.text("INSERT INTO orders VALUES (:name)")
            connection.execute(insert, [{"name": "a"}, {"name": "b"}])
            assert connection.execute(sa.text("SELECT count(*) FROM orders")).scalar() == 2
    finally:
        engine.dispose()

    assert tree(timeline, without="pool") == [
        "sql CREATE orders",
        "sql INSERT orders",
        "sql SELECT orders",
        "sql ROLLBACK",
    ]


def test_a_dialect_that_is_loaded_later_is_found_by_installing_again(engine: sa.Engine) -> None:
    class Late(Looping):
        supports_statement_cache = True

        def do_executemany(self, *arguments: Any, **options: Any) -> None:
            Looping.do_executemany(self, *arguments, **options)

    sql.install()
    engine.dialect.__class__ = Late
    with watched() as timeline, engine.begin() as connection:
        connection.execute(sa.insert(Order), [{"name": "a"}, {"name": "b"}])

    assert tree(timeline, without="pool") == ["sql INSERT orders", "sql COMMIT"]
    assert hasattr(Late.do_executemany, "__wrapped__")


def test_reading_that_fails_later_is_not_the_statements_error(engine: sa.Engine) -> None:
    with watched() as timeline, engine.connect() as connection:
        result = connection.execute(
            sa.text("SELECT abs(column1) FROM (VALUES (1), (-9223372036854775808))")
        )
        with pytest.raises(sa.exc.OperationalError):
            result.all()

    assert tree(timeline, without="pool") == ["sql SELECT", "sql ROLLBACK"]


def test_nothing_is_recorded_and_results_are_the_same_outside_of_requests(
    engine: sa.Engine,
) -> None:
    with watched() as timeline:
        pass
    with engine.begin() as connection:
        connection.execute(sa.insert(Order), [{"name": "a"}, {"name": "b"}])
        rows = connection.execute(sa.select(Order.name)).all()

    assert rows == [("a",), ("b",)]
    assert timeline.spans == []


def test_installing_again_records_once(engine: sa.Engine) -> None:
    sql.install()
    sql.install()

    with watched() as timeline, engine.connect() as connection:
        connection.execute(sa.select(Order.id))

    assert tree(timeline, without="pool") == ["sql SELECT orders", "sql ROLLBACK"]


def test_a_connection_that_is_idle_is_not_waited_for(tmp_path: Path) -> None:
    sql.install()
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db")
    try:
        # On this clock nothing lasts long.
        with watched(Recorder(clock=count().__next__)) as timeline:
            for _ in range(3):
                with engine.connect() as connection:
                    connection.execute(sa.text("SELECT 1"))
    finally:
        engine.dispose()

    # The first has to be made; the others find it in the pool.
    assert tree(timeline) == [
        "pool waits for a connection",
        *(["sql SELECT", "sql ROLLBACK"] * 3),
    ]


def test_the_wait_for_a_connection_that_another_has_is_a_span(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db", pool_size=1, max_overflow=0)
    sql.install()
    taken = engine.connect()
    waits = threading.Event()

    def give_back() -> None:
        waits.wait(10)
        taken.close()

    giver = threading.Thread(target=give_back)
    giver.start()
    try:
        with watched() as timeline:
            waits.set()
            engine.connect().close()
            pool = engine.pool
            assert pool.checkedin() == 1
    finally:
        giver.join()
        engine.dispose()

    assert tree(timeline) == ["pool waits for a connection"]
    assert_in_time(timeline)


def test_a_wait_in_vain_ends_with_its_error(tmp_path: Path) -> None:
    sql.install()
    engine = sa.create_engine(
        f"sqlite:///{tmp_path}/shop.db", pool_size=1, max_overflow=0, pool_timeout=0.01
    )
    taken = engine.connect()
    try:
        with watched() as timeline, pytest.raises(sa.exc.TimeoutError):
            engine.connect()
    finally:
        taken.close()
        engine.dispose()

    assert tree(timeline) == ["pool waits for a connection ! TimeoutError"]
    (span,) = timeline.spans
    assert (span.lasted or 0) >= 10_000_000


def test_async_statements_and_waits_belong_to_the_task_that_made_them(tmp_path: Path) -> None:
    async def use() -> None:
        async with async_engine(tmp_path, pool_size=1, max_overflow=0) as engine:
            got = asyncio.Event()

            async def first() -> list[str]:
                with watched(task=1) as timeline:
                    async with AsyncSession(engine) as session:
                        await session.execute(sa.select(Order))
                        got.set()
                        session.add(Order(name="a"))
                        await session.commit()
                return tree(timeline, without="pool")

            async def second() -> list[str]:
                await got.wait()
                with watched(task=2) as timeline:
                    async with engine.connect() as connection:
                        await connection.execute(sa.delete(Order))
                assert all(span.task == 2 for span in timeline.spans)
                assert_in_time(timeline)
                return tree(timeline)

            one, two = await asyncio.gather(first(), second())
            assert one == ["sql SELECT orders", "sql INSERT orders", "sql COMMIT"]
            assert two == ["pool waits for a connection", "sql DELETE orders", "sql ROLLBACK"]

    asyncio.run(use())


def test_a_statement_that_is_cancelled_ends_so(tmp_path: Path) -> None:
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"

    async def use() -> None:
        async with async_engine(tmp_path) as engine:
            begun = asyncio.Event()
            sa.event.listen(engine.sync_engine, "before_cursor_execute", lambda *_: begun.set())

            async def ask() -> None:
                async with engine.connect() as connection:
                    await connection.execute(sa.text(f"{slow} SELECT count(*) FROM n"))

            with watched() as timeline:
                asking = asyncio.create_task(ask())
            await begun.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

            assert tree(timeline, without="pool") == ["sql SELECT n ! CancelledError"]
            assert all(span.end is not None for span in timeline.spans)

    asyncio.run(use())


def test_a_hook_that_fails_never_reaches_the_app(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> str:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(sql, "statement_name", broken)
    monkeypatch.setattr(sql, "begin", broken)
    monkeypatch.setattr(hook, "_failed", set())
    with watched() as timeline:
        for _ in range(3):
            with engine.connect() as connection:
                assert connection.execute(sa.text("SELECT 1")).scalar() == 1

    assert tree(timeline, without="pool") == ["sql ROLLBACK"] * 3
    said = [record for record in caplog.records if "_statement" in record.getMessage()]
    assert len(said) == 1
