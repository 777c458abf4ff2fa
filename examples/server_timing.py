# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline[lab]",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""Tell the browser where the time went: a Server-Timing header out of the request's timeline.

Its numbers are shown in the network panel of every browser's developer tools. They tell names and
times to whoever asks, so in production send them only to those who may know.

uv run examples/server_timing.py
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_tasks import Timeline, add_tasks, timeline_of
from visualize import lab


class ServerTiming:
    """Write what is known of a request when its response starts into a header."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        timeline = timeline_of(scope) if scope["type"] == "http" else None

        async def send_with_timing(message: Message) -> None:
            if message["type"] == "http.response.start" and timeline is not None:
                MutableHeaders(scope=message)["server-timing"] = header(timeline)
            await send(message)

        await self.app(scope, receive, send_with_timing)


def header(timeline: Timeline) -> str:
    """Write the spans that have ended, and all of it so far, in milliseconds."""
    spans = [span for span in timeline.spans if span.lasted is not None]
    parts = [
        f'{span.kind};desc="{span.name.replace(chr(34), "")}";dur={(span.lasted or 0) / 1e6:.1f}'
        for span in spans
    ]
    so_far = time.perf_counter_ns() - timeline.request_start
    return ", ".join([*parts, f"total;dur={so_far / 1e6:.1f}"])


app = FastAPI()
app.add_middleware(ServerTiming)
add_tasks(app, watch=True)


async def get_session() -> AsyncIterator[str]:
    await asyncio.sleep(0.01)
    yield "session"


@app.get("/orders")
async def orders(session: Annotated[str, Depends(get_session)]) -> list[str]:
    await asyncio.sleep(0.02)
    return ["pen"]


if __name__ == "__main__":
    with lab.serve(app) as server:
        print(*server.get("/orders").headers["server-timing"].split(", "), sep="\n")
