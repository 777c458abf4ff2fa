"""A chat: tasks that it starts itself, a stream, a WebSocket, a `def` endpoint, a mounted app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Request, Response, WebSocket
from fastapi.responses import StreamingResponse

app = FastAPI()
running: set[asyncio.Task[None]] = set()


@app.middleware("http")
async def add_version(request: Request, call_next):  # type: ignore[no-untyped-def]
    response: Response = await call_next(request)
    response.headers["x-version"] = "1"
    return response


def get_settings() -> dict[str, str]:
    return {"room": "hall"}


def get_log(settings: Annotated[dict[str, str], Depends(get_settings)]) -> Iterator[list[str]]:
    yield []


async def notify(name: str) -> None:
    await asyncio.create_task(log_it(name))


async def log_it(name: str) -> None:
    await asyncio.sleep(0)


async def look_up(word: str) -> str:
    await asyncio.sleep(0)
    return word


def shout(text: str) -> str:
    return text.upper()


@app.get("/say")
async def say(settings: Annotated[dict[str, str], Depends(get_settings)]) -> str:
    task = asyncio.create_task(notify("everybody"))
    running.add(task)
    task.add_done_callback(running.discard)
    return await asyncio.to_thread(shout, "hello")


@app.get("/search")
async def search() -> list[str]:
    async with asyncio.TaskGroup() as group:
        found = [group.create_task(look_up(word)) for word in ("a", "b")]
    more = await asyncio.gather(look_up("c"), look_up("d"))
    return [*(one.result() for one in found), *more]


@app.get("/count")
def count(log: Annotated[list[str], Depends(get_log)]) -> int:
    return len(log)


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            yield f"{await to_thread.run_sync(str, number)}\n"

    return StreamingResponse(lines())


@app.websocket("/talk")
async def talk(
    websocket: WebSocket, settings: Annotated[dict[str, str], Depends(get_settings)]
) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(await asyncio.create_task(look_up(text)))


admin = FastAPI()
rooms = APIRouter(prefix="/rooms")


@rooms.get("/{room}")
async def show_room(room: str, log: Annotated[list[str], Depends(get_log)]) -> str:
    return room


admin.include_router(rooms, prefix="/v1")
app.mount("/admin", admin)
