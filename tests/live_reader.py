"""Reads the live page as a browser does, of a shop that has one."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
from fastapi import FastAPI

from fastapi_tasks import Tasks, Timeline, add_tasks, from_json
from visualize.lab import Lab
from visualize.live import mount
from visualize.live.token import token_of

ROOT = Path(__file__).parent.parent

EVENTS = "/_timeline/events"

TOKEN = {"authorization": f"Bearer {token_of('/_timeline')}"}

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


HERE = "127.0.0.1"


def visitor(app: FastAPI, peer: str = HERE) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(peer, 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000")
