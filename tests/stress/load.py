"""Send a round's requests to a real server, each at its time."""

from __future__ import annotations

import asyncio

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from .plan import Call, Plan


class Load:
    """The clients of one round."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)

    async def send_all(self, plan: Plan) -> None:
        """Send every request at its time; return when each is answered, or refused."""
        async with self._client, asyncio.TaskGroup() as group:
            for call in plan.calls:
                group.create_task(self._send(call))

    async def _send(self, call: Call) -> None:
        await asyncio.sleep(call.after)
        try:
            if call.endpoint == "socket":
                await self._talk(call)
            elif call.endpoint == "leaves":
                await self._leave(call)
            else:
                await self._client.get(call.path)
        except (httpx.TransportError, WebSocketException, OSError):
            pass  # The server is shutting down, as it should.

    async def _talk(self, call: Call) -> None:
        url = f"{self._url.replace('http', 'ws')}{call.path}"
        async with connect(url, proxy=None) as socket:
            for _ in call.works:
                await socket.send("go")
                await socket.recv()
            # The server closes: Hypercorn on trio breaks down where both sides do at once.
            await socket.wait_closed()

    async def _leave(self, call: Call) -> None:
        async with self._client.stream("GET", call.path) as answer:
            await anext(answer.aiter_raw())
