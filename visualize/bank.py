"""The demo's second server: a bank that takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SECONDS = 0.080
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n"
    b"connection: close\r\n\r\ntrue"
)


@asynccontextmanager
async def bank() -> AsyncIterator[str]:
    """Serve on a free loopback port, and give the URL."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(SECONDS)
    writer.write(ANSWER)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
