"""The lab: real servers, from their start to their stop."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Tasks, add_tasks
from visualize.lab import Lab, LabError, serve, start
from visualize.lab.sockets import bind

from .shop import shop

pytestmark = pytest.mark.anyio


def refused(url: str) -> bool:
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


async def test_the_lifespan_runs_and_tasks_end_before_it_does() -> None:
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        log.append("up")
        yield
        log.append("down")

    app = FastAPI(lifespan=lifespan)
    add_tasks(app)

    async def slow() -> None:
        await anyio.sleep(0.1)
        log.append("task")

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.after_response.schedule(slow)
        log.append("endpoint")

    async with serve(app) as lab:
        await lab.get("/")
        log.append("answered")
    assert log == ["up", "endpoint", "answered", "task", "down"]


async def test_one_app_can_be_served_again() -> None:
    app = shop()
    for turn in (1, 2):
        async with serve(app) as lab:
            await lab.timeline(await lab.get("/items/1"))
            assert len(lab.timelines) == turn


async def test_an_error_in_the_block_stops_the_server() -> None:
    with suppress(ZeroDivisionError):
        async with serve(shop()) as lab:
            await lab.get("/items/1")
            raise ZeroDivisionError
    assert refused(lab.url)
    with suppress(ZeroDivisionError), serve(shop()) as bench:
        bench.get("/items/1")
        raise ZeroDivisionError
    assert refused(bench.url)


async def test_a_server_lives_from_one_cell_to_another() -> None:
    labs: list[Lab] = []

    async def first_cell() -> None:
        labs.append(await start(shop()))

    async def second_cell() -> None:
        await labs[0].get("/items/1")
        await labs[0].stop()

    for cell in (first_cell, second_cell):
        async with anyio.create_task_group() as group:
            group.start_soon(cell)
    assert refused(labs[0].url)


async def test_stopping_twice_is_stopping_once() -> None:
    async with serve(shop()) as lab:
        await lab.stop()
        assert refused(lab.url)


async def test_a_cancelled_start_leaves_no_server() -> None:
    waiting = threading.Event()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        waiting.set()
        await anyio.sleep(0.1)
        yield

    async def begin() -> None:
        async with serve(FastAPI(lifespan=lifespan)):
            await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        group.start_soon(begin)
        await anyio.to_thread.run_sync(waiting.wait)
        group.cancel_scope.cancel()
    assert "lab server" not in [thread.name for thread in threading.enumerate()]


async def test_an_app_that_does_not_start_says_why() -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        raise LookupError("no database")
        yield

    with pytest.raises(LabError) as caught:
        async with serve(FastAPI(lifespan=lifespan), quiet=True):
            pass
    assert str(caught.value) == (
        "the app did not start (LookupError: no database): look at its lifespan"
    )
    assert isinstance(caught.value.__cause__, LookupError)


def test_a_taken_port_is_named() -> None:
    with bind() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError) as caught, serve(shop(), port=port):
            pass
    assert str(caught.value) == (
        f"port {port} on 127.0.0.1 is taken by another program: "
        "give another port, or 0 for a free one"
    )


@pytest.mark.parametrize(
    ("port", "message"),
    [
        (70000, "there is no port 70000: give a number from 0 to 65535"),
        (-1, "there is no port -1: give a number from 0 to 65535"),
    ],
)
def test_a_port_that_cannot_be_is_named(port: int, message: str) -> None:
    with pytest.raises(LabError) as caught:
        bind(port)
    assert str(caught.value) == message
