"""The live page: the app never waits for a reader."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest
from starlette.types import Send

from fastapi_tasks import Tasks
from visualize.lab import Lab, serve
from visualize.live import pages, stream
from visualize.live.stream import Stream
from visualize.live.token import token_of
from visualize.live.wire import PIECE

from .live_reader import EVENTS, Reader, messages, read, shop, told_all, without_client

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def deaf(lab: Lab) -> Iterator[socket.socket]:
    """Connect a reader that asks for the stream and never reads it."""
    host, port = lab.url.removeprefix("http://").split(":")
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect((host, int(port)))
        query = f"?token={token_of('/_timeline')}"
        peer.sendall(f"GET {EVENTS}{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        yield peer


async def test_a_reader_that_stops_reading_is_caught_up_and_never_queued_for() -> None:
    app = shop()
    many = 400

    @app.post("/many")
    async def endpoint(tasks: Tasks) -> None:
        for _ in range(many):
            tasks.schedule(anyio.sleep, 0)

    async with serve(app) as lab:
        with deaf(lab) as peer:
            for _ in range(50):
                await lab.post("/many")
            await lab.settled()
            reader = Reader()
            await read(lab, reader, told_all(reader, lab))
            assert sum(len(timeline.tasks) for timeline in reader.timelines) == 50 * many
            peer.shutdown(socket.SHUT_RDWR)


def gone(peer: socket.socket) -> bool:
    """Read all that was sent; tell whether the other end gave the connection up before the end."""
    peer.settimeout(10)
    last = b""
    try:
        while part := peer.recv(1 << 20):
            last = part
    except ConnectionResetError:
        return True
    return not last.endswith(b"0\r\n\r\n")


async def test_a_reader_that_stops_reading_is_cut_off_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "STALL", 1.0)
    monkeypatch.setattr(stream, "LOOK", 0.2)
    sent: list[int] = []
    app = shop()

    @app.post("/many")
    async def endpoint(tasks: Tasks) -> None:
        for _ in range(800):
            tasks.schedule(anyio.sleep, 0)

    class Counted(Stream):
        async def _send(self, send: Send, data: bytes, *, more: bool = True) -> None:
            sent.append(len(data))
            await super()._send(send, data, more=more)

    monkeypatch.setattr(pages, "Stream", Counted)
    async with serve(app) as lab:
        for _ in range(60):
            await lab.post("/many")
        await lab.settled()
        with deaf(lab) as peer:
            assert await anyio.to_thread.run_sync(stays_open_until_cut, peer)
        before = sum(sent)
        reader = Reader()
        await read(lab, reader, told_all(reader, lab))
    whole = sum(len(line) for line in map(json.dumps, reader.lines))
    # The kernel's buffers take a few megabytes; what is beyond is never written.
    assert max(sent) < 2 * PIECE + 300_000
    assert before < whole / 2


def stays_open_until_cut(peer: socket.socket) -> bool:
    time.sleep(4)
    return gone(peer)


async def test_a_reader_that_stops_reading_holds_no_shutdown_up() -> None:
    app = shop()

    @app.post("/many")
    async def endpoint(tasks: Tasks) -> None:
        for _ in range(800):
            tasks.schedule(anyio.sleep, 0)

    async with serve(app) as lab:
        for _ in range(60):
            await lab.post("/many")
        await lab.settled()
        with deaf(lab):
            await anyio.sleep(1.0)
            begun = time.monotonic()
            await lab.stop()
    assert time.monotonic() - begun < stream.LOOK + 5


@pytest.mark.slow
async def test_a_thousand_events_a_second_all_arrive_and_soon() -> None:
    app = shop()

    @app.post("/batch")
    async def batch(tasks: Tasks) -> None:
        for _ in range(5):
            tasks.after_response.schedule(anyio.sleep, 0.02)

    reader = Reader()
    delays: list[int] = []
    requests, rate = 250, 50

    async def follow(lab: Lab) -> None:
        async for message in messages(lab):
            now = time.perf_counter_ns()
            before = len(reader.lines)
            reader.take(message)
            tasks = (
                task for line in reader.lines[before:] for task in line.get("tasks", {}).values()
            )
            delays.extend(now - task["finished"] for task in tasks if "finished" in task)

    async with serve(app) as lab, anyio.create_task_group() as group:
        group.start_soon(follow, lab)
        begin = time.perf_counter()
        for number in range(requests):
            await lab.post("/batch")
            await anyio.sleep(max(0.0, begin + number / rate - time.perf_counter()))
        await lab.settled()
        with anyio.fail_after(10):
            while without_client(reader.timelines) != without_client(lab.timelines):
                await anyio.sleep(0.05)
        group.cancel_scope.cancel()
    assert len(reader.requests) == requests
    assert len(delays) == 5 * requests, "each task's end is told once"
    assert sorted(delays)[int(0.95 * len(delays))] < 1_000_000_000
