"""The live page: what a reader is told, who may read, and that the app never waits for a reader."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing, contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import anyio
import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from starlette.types import Send

from fastapi_tasks import Recorder, Tasks, Timeline, add_tasks, from_json
from fastapi_tasks.errors import FastAPITasksUninitializedAppError
from fastapi_tasks.recorder import keeper_of
from visualize.lab import Lab, serve
from visualize.live import changes, mount, pages, stream, wire
from visualize.live.frames import Cursor
from visualize.live.packing import packing_for
from visualize.live.stream import Stream
from visualize.live.token import token_of
from visualize.live.wire import PIECE
from visualize.page import LIVE_POLICY, asset, live_html

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent

EVENTS = "/_timeline/events"
TOKEN = {"authorization": f"Bearer {token_of('/_timeline')}"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


PARTS = ("tasks", "spans", "busy")


class Reader:
    """Reads the stream as a browser does, and puts the requests together from what it is told."""

    def __init__(self) -> None:
        self.requests: dict[tuple[int, int], dict[str, Any]] = {}
        self.dropped = 0
        self.cursor = ""
        self.lines: list[dict[str, Any]] = []
        self.events: list[tuple[str, Any]] = []

    def take(self, message: str) -> None:
        """Take in one message."""
        pairs = [line.partition(": ")[::2] for line in message.split("\n")]
        data = [value for name, value in pairs if name == "data"]
        named = dict(pairs).get("event")
        if named == "dropped":
            self.dropped = int(data[0])
        elif named:
            self.events.append((named, json.loads(data[0])))
        else:
            self.lines += map(json.loads, data)
            for line in data:
                self._merge(**json.loads(line))
        self.cursor = dict(pairs).get("id", self.cursor)

    def _merge(
        self,
        process: int,
        id: int,
        **fields: Any,
    ) -> None:
        request = self.requests.setdefault((process, id), {part: {} for part in PARTS})
        for part in PARTS:
            told = fields.pop(part, {})
            request[part].update({int(key): value for key, value in told.items()})
        request.update(fields, process=process, id=id)

    @property
    def timelines(self) -> list[Timeline]:
        """The requests, as the library would read them from a file."""
        lines = (_as_recorded(self.requests[key]) for key in sorted(self.requests))
        return from_json("\n".join(lines))


def _as_recorded(request: dict[str, Any]) -> str:
    lists = {name: [request[name][n] for n in sorted(request[name])] for name in PARTS}
    return json.dumps({"format": 1, **request, **lists})


async def messages(lab: Lab, cursor: str = "") -> AsyncIterator[str]:
    headers = {**TOKEN, **({"last-event-id": cursor} if cursor else {})}
    async with lab.stream("GET", EVENTS, headers=headers) as response:
        assert response.status_code == 200
        left = ""
        async for part in response.aiter_text():
            *whole, left = (left + part).split("\n\n")
            for message in whole:
                yield message


async def read(lab: Lab, reader: Reader, done: Callable[[], bool]) -> None:
    """Read until `done`, coming back with the cursor whenever the stream ends."""
    with anyio.fail_after(30):
        while not done():
            async with aclosing(messages(lab, reader.cursor)) as stream:
                async for message in stream:
                    reader.take(message)
                    if done():
                        break


def without_client(timelines: list[Timeline]) -> list[Timeline]:
    """Leave out what the lab's own client saw: there is no event of it."""
    return [replace(timeline, client=None) for timeline in timelines]


def told_all(reader: Reader, lab: Lab) -> Callable[[], bool]:
    def done() -> bool:
        return without_client(reader.timelines) == without_client(lab.timelines)

    return done


def shop(**limits: Any) -> FastAPI:
    app = FastAPI()
    add_tasks(app, **limits)
    mount(app)

    async def pack() -> None:
        await anyio.sleep(0.005)

    def label() -> None:
        time.sleep(0.002)

    @app.post("/orders/{number}")
    async def order(number: int, tasks: Tasks) -> int:
        tasks.schedule(pack)
        tasks.after_route.schedule(label)
        tasks.after_response.schedule(pack)
        return number

    return app


async def order(lab: Lab, *numbers: int) -> None:
    async with anyio.create_task_group() as group:
        for number in numbers:
            group.start_soon(lab.post, f"/orders/{number}")
    await lab.settled()


# What a reader is told -----------------------------------------------------------------------


async def test_one_line_holds_what_is_new_of_a_request() -> None:
    app = shop()
    first, second = anyio.Event(), anyio.Event()

    async def wait() -> None:
        await second.wait()

    @app.post("/slow")
    async def slow(tasks: Tasks) -> None:
        tasks.schedule(wait)
        await first.wait()

    @app.post("/go/{event}")
    async def go(event: int) -> None:
        (first, second)[event].set()

    reader = Reader()
    async with serve(app) as lab, anyio.create_task_group() as group:
        group.start_soon(lab.post, "/slow")
        await read(lab, reader, lambda: "started" in str(reader.lines[-1:]))
        timeline = lab.timelines[0]
        task = timeline.tasks[0]
        begun = {
            "id": 1, "process": os.getpid(), "kind": "http", "method": "POST", "path": "/slow",
            "wall": timeline.wall, "request_start": timeline.request_start,
            "endpoint_start": timeline.endpoint_start,
        }  # fmt: skip
        assert reader.lines[-1] == begun | {
            "tasks": {
                "0": {
                    "name": task.name, "mode": "immediate", "requested": task.requested,
                    "released": task.released, "started": task.started, "id": 0,
                }
            }
        }  # fmt: skip
        await lab.post("/go/0")
        await read(lab, reader, lambda: "request_end" in reader.requests[os.getpid(), 1])
        told = next(line for line in reader.lines if "request_end" in line and line["id"] == 1)
        # On a loaded machine the first request may hold the loop for long enough to be told.
        told = {key: value for key, value in told.items() if key not in ("client", "busy")}
        assert told == begun | {
            "route": "/slow", "status": 200, "endpoint_end": timeline.endpoint_end,
            "response_start": timeline.response_start, "response_sent": timeline.response_sent,
            "request_end": timeline.request_end,
        }  # fmt: skip
        await lab.post("/go/1")


async def test_a_reader_is_told_all_that_is_recorded() -> None:
    reader = Reader()
    async with serve(shop()) as lab:
        await order(lab, 1, 2)
        async with anyio.create_task_group() as group:
            group.start_soon(read, lab, reader, lambda: len(reader.requests) > 2)
            await order(lab, *range(3, 20))
        await read(lab, reader, told_all(reader, lab))
        assert len(lab.timelines) == 19
        assert reader.dropped == 0


async def test_a_reader_that_comes_back_is_told_what_it_has_not_seen_and_nothing_else() -> None:
    reader = Reader()
    async with serve(shop()) as lab:
        await order(lab, 1, 2, 3)
        await read(lab, reader, told_all(reader, lab))
        for turn in range(4):
            seen = len(reader.lines)
            await order(lab, 10 + turn, 20 + turn)
            await read(lab, reader, told_all(reader, lab))
            assert {line["id"] for line in reader.lines[seen:]} == {4 + 2 * turn, 5 + 2 * turn}
        assert reader.dropped == 0


async def test_connections_dropped_at_any_moment_lose_and_double_nothing() -> None:
    reader = Reader()

    async def drop_often(lab: Lab) -> None:
        for taken in range(1, 30):
            before = len(reader.lines)
            async with aclosing(messages(lab, reader.cursor)) as stream:
                async for message in stream:
                    reader.take(message)
                    if len(reader.lines) - before >= taken % 7:
                        break

    async with serve(shop()) as lab:
        async with anyio.create_task_group() as group:
            group.start_soon(drop_often, lab)
            for number in range(60):
                await lab.post(f"/orders/{number}")
            group.cancel_scope.cancel()
        await lab.settled()
        await read(lab, reader, told_all(reader, lab))
    told = list(map(json.dumps, reader.lines))
    assert len(told) == len(set(told))


async def test_a_stream_ends_by_itself_and_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAM", 0.1)
    reader = Reader()
    async with serve(shop()) as lab:
        with anyio.fail_after(10):
            told = [message async for message in messages(lab)]
        assert told[0] == "retry: 100"
        reader.take(told[-1])
        await order(lab, 1)
        await read(lab, reader, told_all(reader, lab))


async def test_what_was_let_go_unseen_is_counted() -> None:
    app = FastAPI()
    recorder = add_tasks(app, recorder=Recorder(maxlen=4))
    mount(app)

    @app.get("/")
    async def endpoint() -> None: ...

    newcomer, regular = Reader(), Reader()
    async with serve(app) as lab:
        await lab.get("/")
        await read(lab, regular, told_all(regular, lab))
        for _ in range(9):
            await lab.get("/")
        await lab.settled()
        await read(lab, newcomer, told_all(newcomer, lab))
        await read(lab, regular, lambda: len(regular.requests) == 5)
    assert recorder.dropped == 6
    assert (newcomer.dropped, [id for _, id in newcomer.requests]) == (6, [7, 8, 9, 10])
    assert (regular.dropped, [id for _, id in regular.requests]) == (5, [1, 7, 8, 9, 10])


async def test_a_request_that_is_still_open_is_not_let_go() -> None:
    app = FastAPI()
    add_tasks(app, recorder=Recorder(maxlen=2))
    mount(app)
    go_on = anyio.Event()

    @app.get("/long")
    async def long() -> None:
        await go_on.wait()

    @app.get("/short")
    async def short() -> None: ...

    @app.get("/go-on")
    async def end() -> None:
        go_on.set()

    reader = Reader()
    async with serve(app) as lab, anyio.create_task_group() as group:
        group.start_soon(lab.get, "/long")
        await read(lab, reader, lambda: bool(reader.requests))
        for _ in range(5):
            await lab.get("/short")
        await lab.get("/go-on")
        key = (os.getpid(), 1)
        await read(lab, reader, lambda: "request_end" in reader.requests[key])


async def test_a_cursor_of_another_process_is_no_cursor() -> None:
    async with serve(shop()) as lab:
        await order(lab, 1, 2)
        for cursor in ("0123abcd-7-1-0", "nonsense", "a-b-c-d", "-1-1-1"):
            reader = Reader()
            reader.cursor = cursor
            await read(lab, reader, told_all(reader, lab))


def test_a_cursor_is_read_as_it_was_written() -> None:
    assert Cursor.parse(str(Cursor("a1", 20, 3, 7))) == Cursor("a1", 20, 3, 7)
    assert Cursor.parse("a1-²-3-7") == Cursor()


async def test_an_unrecorded_request_is_not_told_of() -> None:
    reader = Reader()
    async with serve(shop()) as lab:
        await order(lab, 1)
        await read(lab, reader, told_all(reader, lab))
        lab.recorder.enabled = False
        response = await lab.post("/orders/2")
        lab.recorder.enabled = True
        assert response.status_code == 200
        await order(lab, 3)
        await read(lab, reader, told_all(reader, lab))
        assert [timeline.path for timeline in reader.timelines] == ["/orders/1", "/orders/3"]


async def test_nobody_listens_once_all_readers_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    async with serve(shop()) as lab:
        assert keeper_of(lab.recorder).listeners == ()
        await order(lab, 1)
        await read(lab, reader, told_all(reader, lab))
        assert len(keeper_of(lab.recorder).listeners) == 1
        monkeypatch.setattr(changes, "LINGER", -1.0)
        with anyio.fail_after(10):
            while keeper_of(lab.recorder).listeners:
                await order(lab, 2)
        await order(lab, 3)
        await read(lab, reader, told_all(reader, lab))


async def session() -> AsyncIterator[str]:
    yield "session"


async def test_spans_are_told_when_they_begin_and_when_they_end() -> None:
    app = FastAPI()
    add_tasks(app, watch=True)
    mount(app)
    go_on = anyio.Event()

    @app.get("/slow")
    async def slow(session: Annotated[str, Depends(session)]) -> str:
        await go_on.wait()
        return session

    @app.get("/go-on")
    async def end() -> None:
        go_on.set()

    reader = Reader()
    async with serve(app) as lab, anyio.create_task_group() as group:
        group.start_soon(lab.get, "/slow")
        await read(lab, reader, lambda: "dependency" in str(reader.lines))
        await lab.get("/go-on")
        await lab.settled()
        await read(lab, reader, told_all(reader, lab))
        kinds = {span.kind for span in reader.timelines[0].spans}
        assert {"dependency", "close"} <= kinds


async def test_the_counters_come_first_and_each_second() -> None:
    app = shop()
    go_on = anyio.Event()

    async def long() -> None:
        await go_on.wait()

    @app.get("/long")
    async def start(tasks: Tasks) -> None:
        tasks.schedule(long)

    @app.get("/fails")
    async def fails() -> None:
        raise HTTPException(500)

    @app.get("/go-on")
    async def end() -> None:
        go_on.set()

    reader = Reader()

    def counters() -> list[dict[str, Any]]:
        return [data for name, data in reader.events if name == "counters"]

    async with serve(app) as lab:
        await lab.get("/long")
        with anyio.fail_after(30):
            async with aclosing(messages(lab)) as told:
                assert await anext(told) == "retry: 100"
                reader.take(await anext(told))
                [first] = counters()
                assert (first["in_flight"], first["tasks"]) == (0, 1)
                running = lab.timelines[0].tasks[0]
                assert first["slowest"] == {
                    "process": os.getpid(), "request": 1, "task": 0, "name": running.name,
                    "title": "GET /long #1", "ran_ns": first["slowest"]["ran_ns"],
                }  # fmt: skip
                assert first["slowest"]["ran_ns"] > 0
                await lab.get("/fails")
                await lab.get("/go-on")
                await lab.settled()
                async for message in told:
                    reader.take(message)
                    last = counters()[-1]
                    if last["errors"] and not last["tasks"]:
                        break
    assert (last["requests"], last["errors"], last["slowest"]) == (2, 1, None)
    assert (last["in_flight"], last["processes"]) == (0, 1)
    assert last["per_second"] == pytest.approx(2 / last["seconds"], abs=0.06)
    assert last["wall"] > first["wall"]


async def test_what_held_the_loop_is_counted_once_for_all_who_waited() -> None:
    app = shop()

    @app.get("/holds")
    async def holds() -> None:
        time.sleep(0.1)  # noqa: ASYNC251

    @app.get("/waits")
    async def waits() -> None:
        await anyio.sleep(0.2)

    reader = Reader()
    async with serve(app) as lab, anyio.create_task_group() as group:
        await read(lab, reader, lambda: bool(reader.events))
        async with anyio.create_task_group() as waiting:
            for _ in range(3):
                waiting.start_soon(lab.get, "/waits")
            await anyio.sleep(0.05)
            await lab.get("/holds")
        held = sum(busy.end - busy.start for busy in lab.timelines[-1].busy)
        reader.events.clear()
        await read(lab, reader, lambda: any(data.get("held_ns") for _, data in reader.events))
        group.cancel_scope.cancel()
    counted = reader.events[-1][1]["held_ns"]
    assert 0 < held <= counted < 2 * held


async def test_findings_come_when_they_changed_and_to_whoever_begins() -> None:
    app = shop()

    async def resize() -> None:
        time.sleep(0.1)  # noqa: ASYNC251

    @app.get("/resize")
    async def holds(tasks: Tasks) -> None:
        tasks.schedule(resize)
        await anyio.sleep(0.01)

    reader, newcomer = Reader(), Reader()

    def rules(reader: Reader) -> list[str]:
        found = [data for name, data in reader.events if name == "findings"]
        return [one["rule"] for one in found[-1]["findings"]] if found else []

    async with serve(app) as lab:
        await lab.get("/resize")
        await lab.settled()
        await read(lab, reader, lambda: "loop_held" in rules(reader))
        await read(lab, newcomer, lambda: "loop_held" in rules(newcomer))
    told = next(data for name, data in reader.events if name == "findings" and data["findings"])
    assert told["requests"] == 1
    assert told["findings"][0]["cause"]["name"].endswith("resize")


# One encoding for all ------------------------------------------------------------------------


async def test_each_piece_is_written_once_for_all_readers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = 20
    written: list[dict[str, object]] = []

    def encode(line: dict[str, object]) -> bytes:
        written.append(line)
        return wire.encode(line)

    monkeypatch.setattr(changes, "encode", encode)
    readers = [Reader() for _ in range(many)]
    async with serve(shop()) as lab:
        async with anyio.create_task_group() as group:
            for reader in readers:
                group.start_soon(read, lab, reader, told_all_of(reader, 30))
            await anyio.sleep(0.5)
            for number in range(30):
                await lab.post(f"/orders/{number}")
            await lab.settled()
        lines = {json.dumps(line) for reader in readers for line in reader.lines}
    assert len(written) < 2 * len(lines)


def told_all_of(reader: Reader, requests: int) -> Callable[[], bool]:
    def done() -> bool:
        return len(reader.requests) == requests and all(t.settled for t in reader.timelines)

    return done


@pytest.mark.parametrize(
    ("accepted", "coded"),
    [("gzip, deflate", True), ("br;q=1.0, gzip;q=0.8", True), ("identity", False),
     ("gzip;q=0", False), ("", False)],
)  # fmt: skip
async def test_the_stream_is_coded_as_the_reader_asks(accepted: str, coded: bool) -> None:
    async with serve(shop()) as lab:
        await order(lab, *range(20))
        headers = {**TOKEN, "accept-encoding": accepted}
        async with lab.stream("GET", EVENTS, headers=headers) as response:
            assert (response.headers.get("content-encoding") == "gzip") is coded
            with anyio.fail_after(10):
                async for text in response.aiter_text():
                    if "/orders/19" in text:
                        break


def test_a_gzip_stream_is_whole_whatever_its_parts_are() -> None:
    parts = [b"", b"a", b"x" * 700, os.urandom(70_000), b'{"a":1}' * 9000, b"id: 1\n\n"]
    for _ in range(3):
        packing = packing_for("gzip")
        sent = packing.head + b"".join(map(packing.packed, parts)) + packing.end()
        assert gzip.decompress(sent) == b"".join(parts)
        parts = [b"other", *parts]


# The app never waits -------------------------------------------------------------------------


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


# Who may read --------------------------------------------------------------------------------

HERE = "127.0.0.1"
PREFIX = "The live timeline answers this machine only, and "
ADVICE = (
    ". Elsewhere, give mount() dependencies that say who may see the timeline, or anywhere=True, "
    "which asks for the token alone."
)


def visitor(app: FastAPI, peer: str = HERE) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(peer, 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000")


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each stream end at once."""
    monkeypatch.setattr(stream, "STREAM", 0.0)


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(
    ("peer", "headers", "why"),
    [
        (HERE, {}, None),
        ("::1", {"host": "[::1]:8000"}, None),
        ("127.8.9.10", {"host": "app.localhost"}, None),
        (HERE, {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, None),
        (HERE, {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, None),
        ("10.0.0.9", {}, "you come from 10.0.0.9"),
        ("10.0.0.9", {"x-forwarded-for": HERE}, "you come from 10.0.0.9"),
        ("", {}, "you come from "),
        *(
            (
                HERE,
                {name: HERE},
                "your request came through a proxy, so that your address is not known",
            )
            for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")
        ),
        (
            HERE,
            {"host": "evil.example"},
            "your request was made to evil.example, a name from elsewhere",
        ),
        (HERE, {"host": "10.0.0.1"}, "your request was made to 10.0.0.1, a name from elsewhere"),
    ],
)
async def test_only_this_machine_may_read(
    peer: str, headers: dict[str, str], why: str | None
) -> None:
    async with visitor(shop(), peer) as client:
        response = await client.get(EVENTS, headers={**headers, **TOKEN})
    if why is None:
        assert response.status_code == 200
    else:
        assert (response.status_code, response.text) == (403, PREFIX + why + ADVICE)


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("path", ["/_timeline/", "/_timeline/timeline.js", EVENTS])
async def test_a_visitor_without_the_token_is_told_where_it_stands(path: str) -> None:
    async with visitor(shop()) as client:
        none = await client.get(path)
        wrong = await client.get(path, params={"token": "x" * 22})
        odd = await client.get(path, headers={"authorization": b"Bearer \xe9"})
    assert (none.status_code, wrong.status_code, odd.status_code) == (401, 401, 401)
    assert none.text == (
        "The live timeline asks for a token, and your request has none. Open the URL that the "
        "server printed or logged, which ends with ?token=…; a server that was started anew has "
        "another token than before."
    )
    assert "has a wrong one." in wrong.text
    assert TOKEN["authorization"].removeprefix("Bearer ") not in none.text + str(none.headers)


@pytest.mark.usefixtures("brief")
async def test_the_address_with_the_token_leaves_a_cookie_that_opens_the_page() -> None:
    app = FastAPI()
    add_tasks(app)
    page = mount(app)
    async with visitor(app) as client:
        entered = await client.get(page.address)
        set_cookie = entered.headers["set-cookie"]
        assert "HttpOnly" in set_cookie
        assert "SameSite=strict" in set_cookie
        assert "Path=/_timeline/" in set_cookie
        assert set_cookie.startswith("timeline-token-8000=")
        # On to an address without the token.
        assert (entered.status_code, entered.headers["location"]) == (303, "./")
        # A browser would send no such cookie after a link from elsewhere and a redirect.
        linked = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
        led_on = await client.get(page.address, headers=linked)
        assert led_on.headers["set-cookie"] == set_cookie
        assert 'http-equiv="refresh" content="0; url=./"' in led_on.text
        assert entered.headers["referrer-policy"] == "no-referrer"
        for path in ("/_timeline/", "/_timeline/timeline.js", EVENTS):
            assert (await client.get(path)).status_code == 200
        client.cookies.clear()
        assert (await client.get(EVENTS)).status_code == 401


async def test_another_sites_page_may_not_read_though_the_browser_has_the_cookie() -> None:
    app = shop()
    foreign = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}
    async with visitor(app) as client:
        response = await client.get(EVENTS, headers={**foreign, **TOKEN})
    assert response.status_code == 403
    assert "no other site's page" in response.text


@pytest.mark.usefixtures("brief")
async def test_told_to_answer_anywhere_it_still_asks_for_the_token() -> None:
    app = FastAPI()
    add_tasks(app)
    mount(app, anywhere=True)
    async with visitor(app, "10.0.0.9") as client:
        headers = {"host": "shop.example", "x-forwarded-for": "10.0.0.9"}
        assert (await client.get(EVENTS, headers=headers)).status_code == 401
        assert (await client.get(EVENTS, headers={**headers, **TOKEN})).status_code == 200


async def test_the_address_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    add_tasks(app)
    page = mount(app)
    async with visitor(app) as client:
        await client.get("/_timeline/")
        await client.get("/_timeline/")
    assert [record.getMessage() for record in caplog.records] == [
        f"The live timeline is on http://localhost:8000{page.address} for whoever has this URL"
    ]


def test_the_processes_that_a_server_starts_have_its_token_and_others_another() -> None:
    own = token_of("/_timeline")
    code = "from visualize.live.token import token_of; print(token_of('/_timeline'))"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert other.stdout.strip() != own
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(token_of, "/_timeline").result(60) == own
    assert token_of("/elsewhere") != own


async def test_dependencies_decide_in_its_stead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAM", 0.0)

    def with_key(request: Request) -> None:
        if request.headers.get("key") != "right":
            raise HTTPException(401, "no")

    app = FastAPI()
    add_tasks(app)
    page = mount(app, "/watch/", dependencies=[Depends(with_key)])
    assert (page.address, page.token) == ("/watch/", None)
    transport = httpx.ASGITransport(app, client=("10.0.0.9", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as client:
        assert (await client.get("/watch/events")).status_code == 401
        assert (await client.get("/watch/events", headers={"key": "right"})).status_code == 200


# In the app ----------------------------------------------------------------------------------


async def test_its_own_requests_are_not_recorded() -> None:
    async with serve(shop()) as lab:
        async with aclosing(messages(lab)) as stream:
            await anext(stream)
        await lab.get("/_timeline-not-mine")
        assert [timeline.path for timeline in lab.timelines] == ["/_timeline-not-mine"]


async def test_a_route_for_every_path_does_not_hide_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAM", 0.0)
    app = FastAPI()
    add_tasks(app)

    @app.get("/{path:path}")
    async def everything(path: str) -> str:
        return path

    mount(app)
    async with serve(app) as lab:
        assert (await lab.get(EVENTS, headers=TOKEN)).text.startswith("retry: ")
        assert (await lab.get("/other")).json() == "other"
        assert list((await lab.get("/openapi.json")).json()["paths"]) == ["/{path}"]


async def test_it_works_in_an_app_inside_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STREAM", 0.0)
    inner = shop()
    outer = FastAPI()
    outer.mount("/inner", inner)
    transport = httpx.ASGITransport(outer, client=(HERE, 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        entered = await client.get("/inner/_timeline/", params={"token": token_of("/_timeline")})
        assert "Path=/inner/_timeline/" in entered.headers["set-cookie"]
        assert (await client.get("/inner/_timeline/")).status_code == 200
        assert (await client.get("/inner/_timeline/events")).text.startswith("retry: ")
        assert (await client.get("/inner/other")).status_code == 404
    assert [timeline.path for timeline in inner.state.tasks_recorder.timelines] == ["/inner/other"]


async def test_the_page_is_served_with_its_policy() -> None:
    async with serve(shop()) as lab:
        response = await lab.get("/_timeline", follow_redirects=True, headers=TOKEN)
        script = await lab.get("/_timeline/timeline.js", headers=TOKEN)
    assert response.text == live_html("events", title="FastAPI")
    policy = response.headers["content-security-policy"]
    assert policy == (f"{LIVE_POLICY}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
    assert script.text == asset("timeline.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert lab.timelines == []


@pytest.mark.parametrize("path", ["", "timeline.js"])
async def test_page_and_script_travel_compressed_where_they_may(path: str) -> None:
    async with serve(shop()) as lab:
        packed, plain = [
            await lab.get(f"/_timeline/{path}", headers={**TOKEN, "accept-encoding": accepted})
            for accepted in ("gzip", "identity")
        ]
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < len(plain.content) / 2


@pytest.mark.parametrize("path", ["", "/", "timeline"])
def test_a_path_that_cannot_be_is_refused(path: str) -> None:
    app = FastAPI()
    add_tasks(app)
    with pytest.raises(ValueError, match="where no page can be"):
        mount(app, path)


def test_an_app_without_tasks_is_refused() -> None:
    with pytest.raises(FastAPITasksUninitializedAppError) as caught:
        mount(FastAPI())
    assert str(caught.value) == "mount() found no recorder in this app: call add_tasks(app) first"


def test_an_app_that_has_started_is_refused() -> None:
    app = FastAPI()
    add_tasks(app)
    with serve(app):
        pass
    with pytest.raises(RuntimeError) as caught:
        mount(app)
    assert str(caught.value) == (
        "mount() was called after the app had started: call it right after add_tasks(app)"
    )


APP = """
from fastapi import FastAPI
from fastapi_tasks import add_tasks
from visualize.live import mount

app = FastAPI()
add_tasks(app)
mount(app)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_open_page_does_not_hold_up_the_shutdown(number: int, tmp_path: Path) -> None:
    (tmp_path / "watched.py").write_text(APP)
    command = [sys.executable, "-m", "uvicorn", "watched:app", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        logged = iter(server.stderr)
        url = next(line for line in logged if "running on" in line).split()[4]
        # No port is known before the server answers: the first visitor makes it be logged.
        assert httpx.get(url + EVENTS, trust_env=False).status_code == 401
        token = next(line for line in logged if "token=" in line).split("token=")[1].split()[0]
        query = {"token": token}
        with httpx.stream("GET", url + EVENTS, params=query, trust_env=False) as response:
            lines = response.iter_lines()
            assert next(lines) == "retry: 100"
            server.send_signal(number)
            started = time.monotonic()
            told = list(lines)
            assert "event: stopping" in told
            assert f"data: {server.pid}" in told
        server.communicate(timeout=20)
    assert time.monotonic() - started < stream.STREAM / 2
