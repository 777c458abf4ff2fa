"""The app of a stress test: its tasks keep a ledger of what they do.

It is told by its environment which round it plays, and in which folder it writes: the ledger, the
log, and at the very end of its lifespan the recording.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import anyio
from fastapi import Depends, FastAPI, HTTPException, WebSocket
from fastapi.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_tasks import Recorder, Tasks, add_tasks, save
from tests.stress.plan import Work, draw
from tests.stress.tasks import ledger, schedule

from . import listening

FOLDER = Path(os.environ["STRESS_FOLDER"])
PLAN = draw(int(os.environ["STRESS_SEED"]), os.environ["STRESS_FLAVOUR"])  # type: ignore[arg-type]
# Time for whatever still sits in a thread to do what it should not.
LINGER = 0.3


class LogFile(logging.Handler):
    """Writes when something was logged and what, without a traceback, as a line of JSON."""

    def emit(self, record: logging.LogRecord) -> None:
        with (FOLDER / "log").open("a") as file:
            file.write(json.dumps([time.perf_counter_ns(), record.getMessage()]) + "\n")


(FOLDER / "log").touch()
logging.getLogger("fastapi_tasks").addHandler(LogFile())


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    ledger.database = True
    yield
    ledger.note("database closes", "lifespan")
    ledger.database = False


stressed = FastAPI(lifespan=lifespan)
recorder = add_tasks(
    stressed,
    recorder=Recorder(maxlen=10_000),
    grace_period=PLAN.grace_period,
    shutdown_timeout=PLAN.shutdown_timeout,
    threads=PLAN.threads,
)


# Endpoints.


def works_of(number: int) -> tuple[Work, ...]:
    return PLAN.calls[number].works


@stressed.get("/coroutine/{number}")
async def by_coroutine(number: int, tasks: Tasks) -> None:
    schedule(works_of(number)[:2], tasks)
    await anyio.sleep(0.005)
    schedule(works_of(number)[2:], tasks)


@stressed.get("/function/{number}")
def by_function(number: int, tasks: Tasks) -> None:
    schedule(works_of(number)[:2], tasks)
    time.sleep(0.005)
    schedule(works_of(number)[2:], tasks)


@stressed.get("/fails/{number}")
async def by_failing(number: int, tasks: Tasks) -> None:
    schedule(works_of(number), tasks)
    await anyio.sleep(0.005)
    raise LookupError


@stressed.get("/refuses/{number}")
def by_refusing(number: int, tasks: Tasks) -> None:
    schedule(works_of(number), tasks)
    raise HTTPException(409)


def at_exit(number: int, tasks: Tasks) -> Iterator[None]:
    yield
    schedule(works_of(number), tasks)


@stressed.get("/dependency/{number}")
async def by_dependency(_: Annotated[None, Depends(at_exit)]) -> None: ...


@stressed.get("/stream/{number}")
@stressed.get("/leaves/{number}")
async def by_stream(number: int, tasks: Tasks) -> StreamingResponse:
    async def body() -> AsyncIterator[bytes]:
        for work in works_of(number):
            schedule((work,), tasks)
            yield b"part"
            await anyio.sleep(0.01)

    return StreamingResponse(body())


@stressed.websocket("/socket/{number}")
async def by_socket(number: int, socket: WebSocket, tasks: Tasks) -> None:
    await socket.accept()
    for work in works_of(number):
        await socket.receive_text()
        schedule((work,), tasks)
        await socket.send_text("done")


class Witness:
    """Outside of the app: notes when the server has taken a whole answer, and saves at the end."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(scope, receive, send)
            return

        async def noting_send(message: Message) -> None:
            await send(message)
            body = message["type"] == "http.response.body" and not message.get("more_body")
            if body or message["type"] == "websocket.close":
                ledger.note("answered", scope["path"])

        async def noting_receive() -> Message:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                ledger.note("answered", scope["path"])
            return message

        await self.app(scope, noting_receive, noting_send)

    async def live(self, scope: Scope, receive: Receive, send: Send) -> None:
        listening()
        try:
            await self.app(scope, receive, send)
        finally:
            save_at_last()


def save_at_last() -> None:
    # The event loop is held: a coroutine that goes on now would go on after the app's lifespan.
    time.sleep(LINGER)
    save(recorder.timelines, FOLDER / "recording.jsonl")


app = Witness(stressed)
