"""Play a round without a server: the app is called, and its lifespan ended, in one process.

Harder than any server is: requests are still under way when the shutdown begins.
"""

from __future__ import annotations

import sys

import anyio

from tests.asgi import Message, Server, serving
from tests.served import say
from tests.served.stress import PLAN, app

from .plan import Call


async def play() -> None:
    """Send the calls, and end the app's lifespan when it is time."""
    async with anyio.create_task_group() as group, serving(app) as server:
        for call in PLAN.calls:
            group.start_soon(send, server, call)
        await anyio.sleep(PLAN.stop_after)
        say("stops")


async def send(server: Server, call: Call) -> None:
    await anyio.sleep(call.after)
    if call.endpoint == "socket":
        message = {"type": "websocket.receive", "text": "go"}
        await server.websocket(call.path, [message] * len(call.works))
    elif call.endpoint == "leaves":
        await server.get(call.path, on_send=Leaving().take)
    else:
        await server.get(call.path)


class Leaving:
    """A client that leaves after the first part of the body."""

    def __init__(self) -> None:
        self.parts = 0

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self.parts += 1
            if self.parts > 1:
                raise OSError("the client has left")


if __name__ == "__main__":
    anyio.run(play, backend=sys.argv[1])
