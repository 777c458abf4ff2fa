"""The live page: what is written once for all readers."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable

import anyio
import pytest

from visualize.lab import serve
from visualize.live import changes, wire
from visualize.live.packing import packing_for

from .live_reader import EVENTS, TOKEN, Reader, order, read, shop

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_each_piece_is_written_once_for_all_readers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = 20
    written: list[dict[str, object]] = []

    def encode(line: dict[str, object]) -> bytes:
        written.append(line)
        return wire.encode(line)

    monkeypatch.setattr(changes, "encode", encode)
    readers = [Reader() for _ in range(many)]
    async with serve(shop()) as lab:
        async with anyio.create_task_group() as group:
            for reader in readers:
                group.start_soon(read, lab, reader, told_all_of(reader, 30))
            await anyio.sleep(0.5)
            for number in range(30):
                await lab.post(f"/orders/{number}")
            await lab.settled()
        lines = {json.dumps(line) for reader in readers for line in reader.lines}
    assert len(written) < 2 * len(lines)


def told_all_of(reader: Reader, requests: int) -> Callable[[], bool]:
    def done() -> bool:
        return len(reader.requests) == requests and all(t.settled for t in reader.timelines)

    return done


@pytest.mark.parametrize(
    ("accepted", "coded"),
    [("gzip, deflate", True), ("br;q=1.0, gzip;q=0.8", True), ("identity", False),
     ("gzip;q=0", False), ("", False)],
)  # fmt: skip
async def test_the_stream_is_coded_as_the_reader_asks(accepted: str, coded: bool) -> None:
    async with serve(shop()) as lab:
        await order(lab, *range(20))
        headers = {**TOKEN, "accept-encoding": accepted}
        async with lab.stream("GET", EVENTS, headers=headers) as response:
            assert (response.headers.get("content-encoding") == "gzip") is coded
            with anyio.fail_after(10):
                async for text in response.aiter_text():
                    if "/orders/19" in text:
                        break


def test_a_gzip_stream_is_whole_whatever_its_parts_are() -> None:
    parts = [b"", b"a", b"x" * 700, os.urandom(70_000), b'{"a":1}' * 9000, b"id: 1\n\n"]
    for _ in range(3):
        packing = packing_for("gzip")
        sent = packing.head + b"".join(map(packing.packed, parts)) + packing.end()
        assert gzip.decompress(sent) == b"".join(parts)
        parts = [b"other", *parts]
