"""Secrets are planted wherever an app has some, and looked for in the recording."""

from __future__ import annotations

import asyncio
import html
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import redis
import sqlalchemy as sa
from fastapi import BackgroundTasks, Depends, FastAPI, Request
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.concurrency import run_in_threadpool
from starlette.testclient import TestClient

from fastapi_tasks import record, to_json
from fastapi_tasks.timeline import Timeline
from fastapi_tasks.watch import http, sql, telemetry_source, threads
from fastapi_tasks.watch import redis as watch_redis
from visualize import explain, summary
from visualize.painters import PAINTERS

from .watching import tree, watched

# Of many shapes: a word, an assignment, a statement, with quotes, beyond ASCII, with an escape.
SECRETS = [
    "hunter2secret",
    "password=secretpass",
    "x FROM secrettable WHERE",
    "it's secretly 'quoted' \"twice\"",
    "пароль-секрет",
    "back\\slash' secretescape",
]
WORDS = [*SECRETS, "secret", "quoted", "пароль", "zz4711zz"]


class OwnError(Exception):
    pass


def outputs(timelines: list[Timeline]) -> Iterator[str]:
    """Everything that is ever written of a recording."""
    yield to_json(timelines)
    yield "\n".join(str(one) for one in (*timelines, *explain(timelines), summary(timelines)))
    yield summary(timelines).to_markdown()
    for painter in PAINTERS:
        if painter.form != "png":
            yield painter.paint(timelines).decode()


PLAIN = [Timeline(1, "http", "GET", "/", 0, 0, request_end=1)]


def count(timelines: list[Timeline]) -> list[Counter[str]]:
    """How often each word is in each output, in any spelling that a form may give it."""
    words = {word.lower() for word in WORDS}
    spelled = words | {ascii(word)[1:-1] for word in words} | {html.escape(word) for word in words}
    return [
        Counter({word: text.lower().count(word) for word in spelled}) for text in outputs(timelines)
    ]


def assert_no_secret(timeline: Timeline, kinds: set[str]) -> None:
    # What is recorded at all, so that an empty recording does not pass.
    assert {span.kind for span in timeline.spans} >= kinds
    # The page's own script has some of the words.
    assert count([timeline]) == plain_count()


@cache
def plain_count() -> list[Counter[str]]:
    return count(PLAIN)


@pytest.fixture(params=SECRETS)
def secret(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_whole_request(secret: str) -> None:
    app = FastAPI()

    def dependency(request: Request) -> Iterator[str]:
        local = request.query_params["token"]
        yield local
        raise OwnError(local)

    async def later(argument: str) -> None:
        raise OwnError(argument)

    @app.post("/orders/{number}")
    async def endpoint(
        number: int, request: Request, tasks: BackgroundTasks, local: str = Depends(dependency)
    ) -> dict[str, str]:
        tasks.add_task(later, local)
        created = asyncio.create_task(later(local), name=local)
        await asyncio.wait([created])
        assert isinstance(created.exception(), OwnError)
        with suppress(BaseExceptionGroup):
            async with anyio.create_task_group() as group:
                group.start_soon(later, local, name=local)
        return {"password": local}

    recorder = record(app, watch=True)
    with TestClient(app, raise_server_exceptions=False) as client:
        options: dict[str, Any] = {
            "params": {"token": secret},
            "json": {"password": secret},
            "headers": {"authorization": f"Bearer {secret!a}", "cookie": "session=zz4711zz"},
        }
        client.post("/orders/1", **options)
        client.post("/orders/x", **options)

    for timeline in recorder.timelines:
        assert_no_secret(timeline, {"dependency", "validation"})
    assert {task.name for task in recorder.timelines[0].tasks} == {"later"}


def statements(secret: str) -> Iterator[tuple[Any, Any]]:
    literal = secret.replace("'", "''")
    yield sa.text("INSERT INTO orders (name) VALUES (:name)"), {"name": secret}
    yield sa.text("INSERT INTO orders (name) VALUES (:name)"), [{"name": secret}] * 3
    for where in (
        f"SELECT '{literal}', id FROM orders",
        f"SELECT id FROM orders WHERE name = '{literal}' /* {secret} */",
        f"/* {secret} */ SELECT id FROM orders -- {secret}",
        f"UPDATE orders SET name = '{literal}' WHERE name <> '{literal}'",
        f"DELETE FROM orders WHERE name = '{literal}'",
        f"WITH a AS (SELECT '{literal}' AS name) SELECT * FROM a",
        f"SELECT * FROM (VALUES ('{literal}'))",
        f"'{literal}'",
        f"SELECT '{literal}",
        f"INSERT INTO orders (id, name) VALUES (1, '{literal}'), (1, '{literal}')",
    ):
        yield sa.text(where.replace(":", r"\:")), None
    yield sa.text("SELECT no_such_column FROM orders WHERE name = :name"), {"name": secret}


def test_statements_parameters_and_errors(secret: str, tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db", connect_args={"timeout": 5})
    sql.install()
    table = "CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT UNIQUE ON CONFLICT IGNORE)"
    try:
        with watched() as timeline, engine.connect() as connection:
            connection.execute(sa.text(table))
            for statement, parameters in statements(secret):
                with suppress(sa.exc.DBAPIError):
                    connection.execute(statement, parameters)
            connection.commit()
    finally:
        engine.dispose()

    assert_no_secret(timeline, {"sql", "pool"})
    assert "sql SELECT orders ! OperationalError" in tree(timeline, without="pool")


def test_async_statements(secret: str) -> None:
    async def use() -> None:
        engine = create_async_engine("sqlite+aiosqlite://")
        sql.install()
        with watched() as timeline:
            async with engine.connect() as connection:
                await connection.execute(sa.text("CREATE TABLE orders (id INTEGER, name TEXT)"))
                for statement, parameters in statements(secret):
                    with suppress(sa.exc.DBAPIError):
                        await connection.execute(statement, parameters)
        await engine.dispose()
        assert_no_secret(timeline, {"sql"})

    asyncio.run(use())


def test_outgoing_calls(secret: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/fail":
            raise httpx.ConnectError(secret)
        return httpx.Response(500, headers={"x-answer": "zz4711zz"}, text=secret)

    async def use() -> None:
        http.install()
        with watched() as timeline:
            async with httpx.AsyncClient(
                transport=httpx.MockTransport(answer),
                auth=("user", secret),
                cookies={"session": "zz4711zz"},
                headers={"authorization": f"Bearer {secret!a}"},
            ) as client:
                await client.get("http://a.example/zz4711zz", params={"token": secret})
                await client.post("http://a.example/", json={"password": secret})
                for method in (secret, "GET\r\nsecret", "GET secret"):
                    await client.request(method.encode().hex() + "secret=", "http://a.example/")
                async with client.stream(
                    "GET", f"http://user:zz4711zz@a.example/{secret}"
                ) as streamed:
                    await streamed.aread()
                with pytest.raises(httpx.ConnectError):
                    await client.get("http://a.example/fail")
        assert_no_secret(timeline, {"http"})

    asyncio.run(use())


@contextmanager
def echoing_errors(secret: str) -> Iterator[int]:
    """Something on a port that answers every command with an error that tells a secret."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=talk, args=[connection], daemon=True).start()

        def talk(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                while connection.recv(65536):
                    connection.sendall(f"-ERR {secret}\r\n".encode())

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def test_redis_keys_values_and_errors(secret: str) -> None:
    watch_redis.install()
    with echoing_errors(secret) as port, watched() as timeline:
        client = redis.Redis(port=port, protocol=2, retry=Retry(NoBackoff(), 0))
        for command in (
            lambda: client.set("zz4711zz", secret),
            lambda: client.get(secret),
            lambda: client.execute_command(f"SET key {secret}"),
            lambda: client.execute_command(secret),
            lambda: client.execute_command(secret.encode()),
            lambda: client.eval(f"return '{secret}'", 1, secret),
            lambda: client.pipeline(transaction=False).set("a", secret).execute(),
        ):
            with suppress(redis.RedisError):
                command()
        client.close()

    assert_no_secret(timeline, {"redis"})
    assert "redis SET ! ResponseError" in tree(timeline)


def test_threads_arguments_locals_and_errors(secret: str) -> None:
    class Holder:
        def __repr__(self) -> str:
            return secret

        def method(self, *_: object) -> str:
            return secret

        def __call__(self, *_: object) -> str:
            return secret

    def fail(argument: str) -> None:
        local = argument
        raise OwnError(local)

    async def use() -> None:
        threads.install()
        with watched() as timeline, ThreadPoolExecutor(1) as executor:
            await asyncio.to_thread(Holder().method, secret)
            await anyio.to_thread.run_sync(Holder(), secret)
            executor.submit(lambda one: one, secret).result()
            for way in (asyncio.to_thread, anyio.to_thread.run_sync, run_in_threadpool):
                with suppress(OwnError):
                    await way(fail, secret)
        assert_no_secret(timeline, {"thread"})
        assert "thread fail ! OwnError" in tree(timeline)

    asyncio.run(use())


def test_telemetrys_attributes_events_and_descriptions(secret: str) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    telemetry_source.attach(provider)
    tracer = provider.get_tracer("shop", attributes={"key": secret})
    with watched() as timeline:
        with tracer.start_as_current_span("charge", attributes={"db.statement": secret}) as span:
            span.add_event(secret, {"key": secret})
            span.set_attribute("error.type", secret)
            span.set_status(trace.Status(trace.StatusCode.ERROR, secret))
        with suppress(OwnError), tracer.start_as_current_span("fail"):
            raise OwnError(secret)

    assert_no_secret(timeline, {"telemetry"})
    assert tree(timeline) == ["telemetry charge ! error", "telemetry fail ! OwnError"]
