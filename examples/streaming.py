# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline[lab]",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""Tasks beside a body that takes long: streamed, and as server-sent events.

after_route tasks start before the first part of the body, after_response tasks when the last part
has been sent. A task may be scheduled from the body too: if the moment of its mode has passed, it
is released at once.

uv run examples/streaming.py
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse

from fastapi_tasks import Tasks, add_tasks
from visualize import lab, text

app = FastAPI()
add_tasks(app)


async def note(what: str) -> None:
    await asyncio.sleep(0.01)


@app.get("/export")
async def export(tasks: Tasks) -> StreamingResponse:
    async def rows() -> AsyncIterator[str]:
        for number in range(4):
            await asyncio.sleep(0.02)
            yield f"row {number}\n"
            if number == 1:
                tasks.after_route.task(name="from the body").schedule(note, "half of it is sent")

    tasks.after_route.task(name="before the body").schedule(note, "begins")
    tasks.after_response.task(name="after the body").schedule(note, "ended")
    return StreamingResponse(rows(), media_type="text/plain")


@app.get("/events", response_class=EventSourceResponse)
async def events(tasks: Tasks) -> AsyncIterator[dict[str, int]]:
    tasks.after_response.task(name="the reader is gone").schedule(note, "left")
    for number in range(4):
        await asyncio.sleep(0.02)
        yield {"number": number}


if __name__ == "__main__":
    with lab.serve(app) as server:
        server.warm_up("GET", "/export")  # the first request of a process is slower
        for path in ("/export", "/events"):
            timeline = server.timeline(server.get(path))
            print(text(timeline))
            print(f"{path}: {', '.join(timeline.order)}\n")
