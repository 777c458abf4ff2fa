"""Apps for real server processes, and how they and their test talk: lines, both ways.

An app says what happens, one line each, on its output. The test opens gates by name on the app's
input; where that ends, because the test is gone, the process ends too. The gate "shutdown" opens
by itself.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from functools import cache

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

gates: defaultdict[str, threading.Event] = defaultdict(threading.Event)

PATIENCE = 60.0


def say(line: str) -> None:
    """Write a line in one piece, from any thread."""
    os.write(1, f"app: {line}\n".encode())


def hold(gate: str) -> None:
    """Block the thread, and the event loop if it is its thread, until the test opens the gate."""
    assert gates[gate].wait(PATIENCE), f"nobody opened {gate}"


async def opened(gate: str) -> None:
    """Wait for a gate as a coroutine should, without a thread that a shutdown had to wait for."""
    while not gates[gate].is_set():
        await anyio.sleep(0.005)


@cache
def listening() -> threading.Thread:
    """Listen to the test from now on, once."""
    thread = threading.Thread(target=_listen, daemon=True)
    thread.start()
    return thread


def _listen() -> None:
    # Unbuffered: a daemon thread inside a buffered reader upsets the interpreter's exit.
    with open(0, "rb", buffering=0, closefd=False) as told:
        for line in told:
            gates[line.decode().strip()].set()
    os._exit(70)


class Said:
    """Outside of an app: says what its server gets, and when the shutdown begins."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            listening()

        async def saying_receive() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                say("shutdown begins")
                gates["shutdown"].set()
            return message

        async def saying_send(message: Message) -> None:
            await send(message)
            if message["type"].endswith((".start", ".close")) or _ends_body(message):
                say(f"server sent {message['type']} of {scope['path']}")

        await self.app(scope, saying_receive, saying_send)


def _ends_body(message: Message) -> bool:
    return message["type"] == "http.response.body" and not message.get("more_body", False)
