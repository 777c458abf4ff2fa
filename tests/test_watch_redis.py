from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from fastapi_tasks.watch import hook
from fastapi_tasks.watch import redis as watch_redis

from .redis_server import PATIENCE, free_port, redis_server
from .watching import assert_in_time, tree, watched


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture(params=["made before", "made after"])
def client(request: pytest.FixtureRequest, port: int) -> Iterator[redis.Redis]:
    if request.param == "made after":
        watch_redis.install()
    with redis.Redis(port=port, decode_responses=True) as client:
        client.flushall()
        watch_redis.install()
        yield client


@asynccontextmanager
async def async_client(port: int) -> AsyncIterator[redis.asyncio.Redis]:
    watch_redis.install()
    async with redis.asyncio.Redis(port=port, decode_responses=True) as client:
        await client.flushall()
        yield client


def test_commands_are_spans_named_by_their_word(client: redis.Redis) -> None:
    with watched(task=4) as timeline:
        client.set("key", "secret")
        assert client.get("key") == "secret"
        client.config_get("maxmemory")
        client.execute_command("SET key secret")
        client.execute_command(b"EXISTS", "key")

    assert tree(timeline) == [
        "redis SET",
        "redis GET",
        "redis CONFIG",
        "redis SET",
        "redis EXISTS",
    ]
    assert_in_time(timeline)
    assert {(span.task, tuple(span.attributes)) for span in timeline.spans} == {(4, ())}


def test_a_pipeline_is_one_span(client: redis.Redis) -> None:
    with watched() as timeline:
        with client.pipeline() as pipeline:
            pipeline.set("a", "secret").incr("n").get("a")
            assert pipeline.execute() == [True, 1, "secret"]
        with client.pipeline(transaction=False) as pipeline:
            assert pipeline.execute() == []

    assert tree(timeline) == ["redis PIPELINE"]
    assert timeline.spans[0].attributes == {"commands": "3"}


def test_while_a_pipeline_watches_its_commands_are_spans(client: redis.Redis) -> None:
    with watched() as timeline:
        client.transaction(lambda pipe: (pipe.get("a"), pipe.multi(), pipe.set("a", "b")), "a")

    assert tree(timeline) == ["redis WATCH", "redis GET", "redis PIPELINE"]


def test_a_command_that_fails_ends_with_its_error(client: redis.Redis, port: int) -> None:
    closed = redis.Redis(port=1, retry=Retry(NoBackoff(), 0))
    with watched() as timeline:
        client.set("key", "text")
        with pytest.raises(redis.ResponseError):
            client.lpush("key", "a")
        with client.pipeline() as pipeline, pytest.raises(redis.ResponseError):
            pipeline.lpush("key", "a").execute()
        with pytest.raises(redis.ConnectionError):
            closed.get("key")

    assert tree(timeline) == [
        "redis SET",
        "redis LPUSH ! ResponseError",
        "redis PIPELINE ! ResponseError",
        "redis GET ! ConnectionError",
    ]
    assert_in_time(timeline)


def test_async_commands_and_pipelines(port: int) -> None:
    async def use() -> None:
        async with async_client(port) as client:
            with watched() as timeline:
                await client.set("key", "secret")
                async with client.pipeline() as pipeline:
                    await pipeline.watch("key")
                    await pipeline.get("key")
                    pipeline.multi()
                    pipeline.set("key", "b").expire("key", 10)
                    await pipeline.execute()
                with pytest.raises(redis.ResponseError):
                    await client.lpush("key", "c")
                assert [key async for key in client.scan_iter("k*")] == ["key"]
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await client.blpop(["nothing"], timeout=5)

        assert tree(timeline) == [
            "redis SET",
            "redis WATCH",
            "redis GET",
            "redis PIPELINE",
            "redis LPUSH ! ResponseError",
            "redis SCAN",
            "redis BLPOP ! CancelledError",
        ]
        assert timeline.spans[3].attributes == {"commands": "2"}
        assert_in_time(timeline)

    asyncio.run(use())


def test_commands_at_once_belong_each_to_the_task_that_gave_it(port: int) -> None:
    async def use() -> None:
        async with async_client(port) as client:

            async def in_task(task: int) -> list[int | None]:
                with watched(task=task) as timeline:
                    await asyncio.gather(client.get("a"), client.mget("a", "b"))
                assert sorted(tree(timeline)) == ["redis GET", "redis MGET"]
                return [span.task for span in timeline.spans]

            assert await asyncio.gather(in_task(1), in_task(2)) == [[1, 1], [2, 2]]

    asyncio.run(use())


def test_a_cluster_is_recorded_by_what_the_app_asked_for(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    watch_redis.install()
    directory = tmp_path_factory.mktemp("cluster")
    bus = str(free_port())
    with redis_server(directory, "--cluster-enabled", "yes", "--cluster-port", bus) as port:
        with redis.Redis(port=port) as node:
            node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            _wait_until(lambda: node.cluster("INFO")["cluster_state"] == "ok")

        with redis.RedisCluster("127.0.0.1", port) as cluster, watched() as timeline:
            cluster.set("key", "secret")
            pipeline = cluster.pipeline()
            pipeline.get("key").get("other")
            pipeline.execute()
        assert tree(timeline) == ["redis SET", "redis PIPELINE"]

        async def use() -> None:
            async with redis.asyncio.RedisCluster("127.0.0.1", port) as cluster:
                await cluster.ping()
                with watched() as timeline:
                    await cluster.set("key", "secret")
                    await cluster.pipeline().get("key").get("other").execute()
            assert tree(timeline) == ["redis SET", "redis PIPELINE"]

        asyncio.run(use())


def _wait_until(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if ready():
            return
        time.sleep(0.01)
    raise AssertionError("the cluster did not come up")


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("GET", "GET"),
        ("get", "GET"),
        ("CONFIG GET", "CONFIG"),
        ("SET key secret", "SET"),
        (b"JSON.SET", "JSON.SET"),
        ("  FT.SEARCH x", "FT.SEARCH"),
        ("hunter2", "redis"),
        ("'secret'", "redis"),
        ("A" * 31, "redis"),
        (b"\xff", "redis"),
        ("", "redis"),
        (None, "redis"),
        (4711, "redis"),
    ],
)
def test_only_a_commands_word_is_its_name(command: Any, word: str) -> None:
    assert watch_redis.command_word(command) == word


def test_outside_of_requests_commands_pass_unrecorded(client: redis.Redis) -> None:
    with watched() as timeline:
        pass
    client.set("a", "b")
    assert client.pipeline().get("a").execute() == ["b"]
    assert timeline.spans == []


def test_a_hook_that_fails_never_reaches_the_app(
    client: redis.Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> str:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(hook, "_failed", set())
    monkeypatch.setattr(watch_redis, "command_word", broken)
    with watched() as timeline:
        for _ in range(3):
            client.set("a", "b")
        assert client.get("a") == "b"

    assert timeline.spans == []
    assert len(caplog.records) == 1
