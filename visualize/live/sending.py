"""The page and its script as they are sent: compressed for all browsers that say they may be."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from functools import lru_cache

from anyio import CapacityLimiter, to_thread
from fastapi import Request, Response

from .packing import accepts_gzip


async def compressed(
    request: Request, text: Callable[[], str], media_type: str, headers: Mapping[str, str]
) -> Response:
    """Answer with a text that is the same for everybody, compressed once for all of them.

    To make it takes tens of milliseconds, for which the app's event loop is not held; nor does it
    wait for a thread of the app, which may have none left just when somebody wants to see why.
    """
    headers = {**headers, "Vary": "Accept-Encoding"}
    alone = CapacityLimiter(1)
    if not accepts_gzip(request.headers.get("accept-encoding", "")):
        plain = await to_thread.run_sync(text, limiter=alone)
        return Response(plain, media_type=media_type, headers=headers)
    headers["Content-Encoding"] = "gzip"
    packed = await to_thread.run_sync(lambda: _gzip(text()), limiter=alone)
    return Response(packed, media_type=media_type, headers=headers)


@lru_cache(maxsize=8)
def _gzip(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)
