"""Requests and tasks of which each moment is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
from fastapi import FastAPI

from fastapi_tasks import Mode, TaskRecord, Timeline
from tests.asgi import Message, Server
from tests.samples import MS, WALL
from visualize import explain
from visualize.answers.findings import Rule

MakeApp = Callable[..., FastAPI]


def rules(timelines: list[Timeline], **options: Any) -> list[Rule]:
    return [finding.rule for finding in explain(timelines, **options)]


def request(number: int = 1, **known: Any) -> Timeline:
    """A request of 10 ms, on a clock that began with it, but for what is `known`."""
    marks: dict[str, Any] = {
        "route": "/orders", "process": 1, "endpoint_start": MS, "endpoint_end": 8 * MS,
        "response_start": 9 * MS, "response_sent": 10 * MS, "request_end": 10 * MS, "status": 200,
    }  # fmt: skip
    return Timeline(number, "http", "POST", "/orders", WALL, 0, **(marks | known))


def task(name: str, mode: Mode, *moments: int, **known: Any) -> TaskRecord:
    """A task with its moments in milliseconds: requested, released, started, finished."""
    names = ("requested", "released", "started", "finished")
    times: dict[str, Any] = {name: at * MS for name, at in zip(names, moments, strict=False)}
    return TaskRecord(name, mode, **times, **known)


async def slow_send(message: Message) -> None:
    await anyio.sleep(0.02)


async def together(server: Server, *paths: str) -> None:
    async with anyio.create_task_group() as group:
        for path in paths:
            group.start_soon(server.get, path)
