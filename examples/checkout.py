# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline[lab]",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""A checkout: three modes in one endpoint, and the timeline of a real request.

uv run examples/checkout.py
"""

from __future__ import annotations

import asyncio
import time

from fastapi import FastAPI

from fastapi_tasks import Tasks, add_tasks
from visualize import lab, text

app = FastAPI()
add_tasks(app)


async def validate_payment(cart: int) -> None:
    await asyncio.sleep(0.04)


async def write_audit(cart: int) -> None:
    await asyncio.sleep(0.01)


def print_label(cart: int) -> None:
    time.sleep(0.03)  # a `def` task runs in a worker thread, so it may block


async def send_mail(to: str) -> None:
    await asyncio.sleep(0.05)


@app.post("/checkout")
async def checkout(cart: int, email: str, tasks: Tasks) -> dict[str, str]:
    tasks.schedule(validate_payment, cart)  # at once, beside the endpoint
    await asyncio.sleep(0.02)
    tasks.after_route.schedule(write_audit, cart)  # before the client knows
    tasks.after_response.schedule(print_label, cart)  # when the client has its answer
    tasks.after_response.task(name="mail", shield=True).schedule(send_mail, email)
    return {"status": "processing"}


if __name__ == "__main__":
    customer = {"cart": "7", "email": "someone@example.org"}
    with lab.serve(app) as server:
        server.warm_up("POST", "/checkout", params=customer)
        timeline = server.timeline(server.post("/checkout", params=customer))
    print(text(timeline))
    print("in the order of their start:", ", ".join(timeline.order))
