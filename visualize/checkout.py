"""The shop of the demo: one checkout that uses all three modes, a thread, and a failure."""

from __future__ import annotations

import asyncio
import time

from fastapi import FastAPI

from fastapi_tasks import Tasks, add_tasks

app = FastAPI(title="Checkout")
recorder = add_tasks(app)

# The tasks only pretend to work, so they leave their arguments alone.
# ruff: noqa: ARG001


async def validate_payment(payment_id: int) -> None:
    """Ask the bank, which takes its time."""
    await asyncio.sleep(0.040)


async def finalize_order(order_id: int) -> None:
    """Close the order's books."""
    await asyncio.sleep(0.025)


async def send_confirmation(email: str, order_id: int) -> None:
    """Hand a mail to the mail server."""
    await asyncio.sleep(0.050)


async def notify_shipping(order_id: int) -> None:
    """Tell the warehouse what to pack."""
    await asyncio.sleep(0.030)


def print_invoice(order_id: int) -> None:
    """Drive a printer through a library that blocks, in a worker thread."""
    time.sleep(0.035)


async def add_loyalty_points(email: str) -> None:
    """Call a service that is down: this task fails, and nothing else notices."""
    await asyncio.sleep(0.015)
    raise ConnectionError("the loyalty service does not answer")


@app.post("/checkout")
async def checkout(cart_id: int, email: str, tasks: Tasks) -> dict[str, int | str]:
    """Take an order: the customer waits for two short steps, and for none of the tasks."""
    payment_id = await _initiate_payment(cart_id)
    tasks.schedule(validate_payment, payment_id)
    order_id = await _create_order(cart_id)
    tasks.after_route.schedule(finalize_order, order_id)
    later = tasks.after_response
    later.schedule(send_confirmation, email, order_id)
    later.schedule(notify_shipping, order_id)
    later.schedule(print_invoice, order_id)
    later.schedule(add_loyalty_points, email)
    return {"order_id": order_id, "payment_id": payment_id, "status": "processing"}


async def _initiate_payment(cart_id: int) -> int:
    await asyncio.sleep(0.006)
    return 9000 + cart_id


async def _create_order(cart_id: int) -> int:
    await asyncio.sleep(0.010)
    return 1000 + cart_id
