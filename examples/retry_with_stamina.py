# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline[lab]",
#     "stamina",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""Try again with stamina: a task is any callable, so retrying is a decorator of its function.

Give the whole of it a timeout that is below the grace period, or shield it: what still waits for
its next try when the process ends is cancelled.

uv run examples/retry_with_stamina.py
"""

from __future__ import annotations

import stamina
from fastapi import FastAPI

from fastapi_tasks import Tasks, add_tasks
from visualize import lab, ms

app = FastAPI()
add_tasks(app)
tries: list[str] = []


@stamina.retry(on=ConnectionError, attempts=5, timeout=4.0, wait_initial=0.02, wait_jitter=0)
async def post_webhook(url: str) -> None:
    tries.append(url)
    if len(tries) < 3:
        raise ConnectionError("the other side is just starting")


@app.post("/orders")
async def order(tasks: Tasks) -> dict[str, str]:
    tasks.after_response.schedule(post_webhook, "https://shop.example/hook")
    return {"status": "processing"}


if __name__ == "__main__":
    with lab.serve(app, quiet=True) as server:
        timeline = server.timeline(server.post("/orders"))
    task = timeline.task("post_webhook")
    print(f"{len(tries)} tries in {ms(task.ran):.0f} ms, {task.outcome}")
