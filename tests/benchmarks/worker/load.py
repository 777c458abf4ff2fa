"""A client on raw connections, so that it is the server that limits the rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

PATIENCE = 30.0


@dataclass(frozen=True)
class Visit:
    """What to ask for: `requests` times, over `connections` that each wait for their answer.

    With `every`, one request begins every so many seconds instead, whatever the others do.
    """

    port: int
    path: str
    method: str = "GET"
    requests: int = 1
    connections: int = 1
    every: float = 0.0

    @property
    def head(self) -> bytes:
        return f"{self.method} {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


class Connection:
    """One kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, head: bytes) -> int:
        """Return the nanoseconds until the whole answer was there."""
        began = time.perf_counter_ns()
        self._writer.write(head)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"a server of the benchmark answered {answer[:40]!r}")
        length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await self._reader.readexactly(int(length))
        return time.perf_counter_ns() - began

    def close(self) -> None:
        self._writer.close()


async def _closed_loop(visit: Visit) -> tuple[float, list[int]]:
    connections = [await Connection.to(visit.port) for _ in range(visit.connections)]
    left = iter(range(visit.requests))
    taken: list[int] = []

    async def keep_asking(connection: Connection) -> None:
        for _ in left:
            taken.append(await connection.ask(visit.head))

    began = time.perf_counter()
    await asyncio.gather(*map(keep_asking, connections))
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.close()
    return seconds, taken


async def _open_loop(visit: Visit) -> tuple[float, list[int]]:
    async def one(connection: Connection, number: int) -> int:
        await asyncio.sleep(number * visit.every)
        taken = await connection.ask(visit.head)
        connection.close()
        return taken

    connections = [await Connection.to(visit.port) for _ in range(visit.requests)]
    began = time.perf_counter()
    taken = await asyncio.gather(*(one(c, number) for number, c in enumerate(connections)))
    return time.perf_counter() - began, taken


async def load(ask: Callable[[], Any]) -> AsyncIterator[dict[str, Any]]:
    """Yield seconds and nanoseconds of one visit after another."""
    yield {}
    while (order := ask()) is not None:
        visit = Visit(**order)
        loop = _open_loop if visit.every else _closed_loop
        seconds, taken = await asyncio.wait_for(loop(visit), PATIENCE)
        yield {"seconds": seconds, "nanoseconds": sorted(taken)}
