"""An app whose requests show what *sent*, a disconnect and a flood mean on a real server."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

import anyio
import anyio.lowlevel
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_tasks import Tasks, add_tasks, to_json
from tests.asgi import Buffering

from . import Said, gates, hold, say


class Slow:
    """Holds the start of a response back until the request's after_route task has ended."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def late(message: Message) -> None:
            while message["type"] == "http.response.start" and not gates["audited"].is_set():
                await anyio.sleep(0.005)
            await send(message)

        slow = scope.get("path", "") == "/slow"
        await self.app(scope, receive, late if slow else send)


tasked = FastAPI()
recorder = add_tasks(tasked, threads=8)
tasked.add_middleware(Buffering, seconds=0.05, below="/buffered")
tasked.add_middleware(Slow)
app = Said(tasked)


async def mail(gate: str) -> None:
    """Hold the event loop: whatever was not sent before cannot be sent now."""
    say(f"{gate} begins")
    hold(gate)
    say(f"{gate} ends")


@tasked.get("/plain")
@tasked.get("/buffered/plain")
async def plain(gate: str, tasks: Tasks) -> str:
    tasks.after_response.schedule(mail, gate)
    return "answer"


@tasked.get("/streamed")
@tasked.get("/buffered/streamed")
async def streamed(gate: str, tasks: Tasks) -> StreamingResponse:
    async def body() -> AsyncIterator[bytes]:
        for part in (b'"ans', b'wer"'):
            await anyio.lowlevel.checkpoint()
            yield part

    tasks.after_response.schedule(mail, gate)
    return StreamingResponse(body())


async def audit() -> None:
    say("audit runs")
    gates["audited"].set()


@tasked.get("/slow")
async def slow(tasks: Tasks) -> str:
    tasks.after_route.schedule(audit)
    return "answer"


passing = FastAPI()


@passing.middleware("http")
async def passes(request: Request, call_next: Any) -> Any:
    return await call_next(request)


@tasked.get("/endless")
@passing.get("/endless")
async def endless(request: Request, tasks: Tasks) -> StreamingResponse:
    async def body() -> AsyncIterator[bytes]:
        while True:
            yield b"more "
            await anyio.sleep(0.01)

    async def note() -> None:
        await anyio.sleep(0.01)
        say(f"note taken after the client of {request.url.path} left")

    tasks.after_response.schedule(note)
    return StreamingResponse(body())


tasked.mount("/passing", passing)


@tasked.websocket("/{end}-closes")
async def closing(socket: WebSocket, end: str, tasks: Tasks) -> None:
    async def note(mode: str) -> None:
        say(f"{mode} of {end}-closes")

    await socket.accept()
    tasks.schedule(note, "immediate")
    tasks.after_route.schedule(note, "after_route")
    tasks.after_response.schedule(note, "after_response")
    await socket.send_text("hello")
    if end == "server":
        await socket.close()
    else:
        assert (await socket.receive())["type"] == "websocket.disconnect"
        say("client has closed")


@tasked.post("/flood")
async def flood(tasks: Tasks) -> None:
    for _ in range(200):
        tasks.schedule(hold, "flood")


@tasked.get("/def")
def in_thread() -> str:
    return "answer"


@tasked.get("/exit")
async def exits(tasks: Tasks) -> None:
    tasks.schedule(leave)
    tasks.schedule(leave_from_thread)


async def leave() -> None:
    sys.exit(3)


def leave_from_thread() -> None:
    sys.exit(3)


@tasked.get("/timelines")
async def timelines(of: str) -> PlainTextResponse:
    chosen = [timeline for timeline in recorder.timelines if timeline.path == of]
    for timeline in chosen:
        await recorder.settled(of=timeline)
    return PlainTextResponse(to_json(chosen))
