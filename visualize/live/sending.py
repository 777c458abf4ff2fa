"""The page and its script as they are sent: compressed for all browsers that say they may be."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import lru_cache

from fastapi import Request, Response

from .packing import accepts_gzip


def compressed(
    request: Request, text: str, media_type: str, headers: Mapping[str, str]
) -> Response:
    """Answer with a text that is the same for everybody, compressed once for all of them."""
    headers = {**headers, "Vary": "Accept-Encoding"}
    if not accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(text, media_type=media_type, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return Response(_gzip(text), media_type=media_type, headers=headers)


@lru_cache(maxsize=8)
def _gzip(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)
