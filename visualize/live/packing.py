"""How what is sent is encoded: plain, or as gzip whose parts all readers share.

A part that many readers get is compressed once. It ends at a whole byte and refers to nothing
before it, so that it has its place in the stream of any reader, whatever that one got before.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import Protocol

LEVEL = 1
"""Fast; what there is to compress repeats itself a lot."""
SMALL = 600
"""Bytes below which a part of one reader is not worth compressing."""
_HEAD = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
_LAST_BLOCK = b"\x03\x00"
_STORED_MOST = 0xFFFF


class Packing(Protocol):
    """The content coding of one reader's stream."""

    head: bytes
    headers: dict[str, str]

    def packed(self, part: bytes) -> bytes:
        """Return what is sent for a part."""

    def end(self) -> bytes:
        """Return what ends the stream."""


class Plain:
    """Sends what there is to send."""

    head = b""
    headers: dict[str, str] = {}  # noqa: RUF012

    def packed(self, part: bytes) -> bytes:
        """Return the part."""
        return part

    def end(self) -> bytes:
        """Return nothing."""
        return b""


class Gzip:
    """Sends a gzip stream, which keeps the length and the checksum of what was sent."""

    head = _HEAD
    headers = {"Content-Encoding": "gzip"}  # noqa: RUF012

    def __init__(self) -> None:
        self._sum = 0
        self._size = 0

    def packed(self, part: bytes) -> bytes:
        """Compress a part, or look up what became of it for another reader."""
        self._sum = zlib.crc32(part, self._sum)
        self._size += len(part)
        return _stored(part) if len(part) < SMALL else _compressed(part)

    def end(self) -> bytes:
        """Return an empty block, and what the whole is checked by."""
        return _LAST_BLOCK + struct.pack("<II", self._sum, self._size & 0xFFFFFFFF)


def packing_for(accepted: str) -> Packing:
    """Choose by the `Accept-Encoding` header."""
    return Gzip() if accepts_gzip(accepted) else Plain()


def accepts_gzip(accepted: str) -> bool:
    """Tell whether a client that sent this `Accept-Encoding` header can read gzip."""
    offers = [offer.partition(";") for offer in accepted.lower().split(",")]
    return any(name.strip() == "gzip" and q.strip() != "q=0" for name, _, q in offers)


def _stored(part: bytes) -> bytes:
    return struct.pack("<BHH", 0, len(part), len(part) ^ _STORED_MOST) + part


@lru_cache(maxsize=64)
def _compressed(part: bytes) -> bytes:
    packer = zlib.compressobj(LEVEL, wbits=-zlib.MAX_WBITS)
    return packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)
