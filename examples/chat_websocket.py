# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline[lab]",
#     "websockets",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""A WebSocket that schedules work for each message, and some for when the talk is over.

Immediate tasks run beside the connection; after_response tasks when it has closed.

uv run examples/chat_websocket.py
"""

from __future__ import annotations

import asyncio

import websockets
from fastapi import FastAPI, WebSocket

from fastapi_tasks import Tasks, add_tasks
from visualize import lab, text

app = FastAPI()
add_tasks(app)


async def save(message: str) -> None:
    await asyncio.sleep(0.02)


async def summarise(messages: list[str]) -> None:
    await asyncio.sleep(0.03)


@app.websocket("/talk")
async def talk(socket: WebSocket, tasks: Tasks) -> None:
    await socket.accept()
    messages: list[str] = []
    tasks.after_response.schedule(summarise, messages)
    async for message in socket.iter_text():
        messages.append(message)
        tasks.task(name=f"save {len(messages)}").schedule(save, message)
        await socket.send_text(f"{len(messages)} so far")


async def chat(address: str) -> None:
    async with websockets.connect(address) as socket:
        for message in ("hello", "is anybody here?", "bye"):
            await socket.send(message)
            print(await socket.recv())


async def main() -> None:
    async with lab.serve(app) as server:
        await chat(server.url.replace("http", "ws") + "/talk")
        await server.settled()
        print(text(server.last))
        print(f"after the close: {server.last.order[-1]}")


if __name__ == "__main__":
    asyncio.run(main())
