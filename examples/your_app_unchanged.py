# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline[lab]",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""An app that does not use this library, watched: what its requests spend their time on.

uv run examples/your_app_unchanged.py
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI

from visualize import explain, lab, text

# The app, as anybody's: not a line in it is about recording.
app = FastAPI()


async def get_session() -> AsyncIterator[str]:
    await asyncio.sleep(0.005)  # a connection out of the pool
    yield "session"
    await asyncio.sleep(0.005)  # and back


def send_mail(to: str) -> None:
    time.sleep(0.04)


async def update_search(item: str) -> None:
    time.sleep(0.12)  # the mistake: it blocks the event loop, and everybody on it


@app.post("/orders")
async def order(
    item: str, later: BackgroundTasks, session: Annotated[str, Depends(get_session)]
) -> dict[str, str]:
    later.add_task(send_mail, "someone@example.org")
    later.add_task(update_search, item)
    return {"status": "processing"}


if __name__ == "__main__":
    # The same from the command line: tasks-timeline record your_app_unchanged:app
    with lab.serve(app, watch=True) as server:
        server.warm_up("POST", "/orders", params={"item": "pen"})
        timeline = server.timeline(server.post("/orders", params={"item": "pen"}))
    print(text(timeline))
    for finding in explain([timeline]):
        print(f"* {finding}")
