"""A process that measures on request: `python tests/benchmarks/worker asyncio`.

It is run by its path, so that it imports whichever fastapi_tasks its interpreter has. It reads
one JSON document a line, and answers each with one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

from load import load
from memory import growth, pending, recorded
from scheduling import scheduling
from watching import watching

SUBJECTS: dict[str, Callable[..., AsyncIterator[Any]]] = {
    "scheduling": scheduling,
    "load": load,
    "watching": watching,
    "recorded": recorded,
    "pending": pending,
    "growth": growth,
}


def ask() -> Any:
    """Return what the other end says next; None at its end."""
    return json.loads(sys.stdin.readline() or "null")


async def main() -> None:
    """Measure one subject after another."""
    while (order := ask()) is not None:
        subject = SUBJECTS[order.pop("subject")]
        async for answer in subject(ask, **order):
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
