"""The shop of the demo: one checkout with a database, a bank, all three modes and a failure."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
from fastapi import BackgroundTasks, Depends, FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastapi_tasks import Tasks, add_tasks

from .bank import bank


class Base(DeclarativeBase):
    """The tables of the shop."""


class Order(Base):
    """What a customer has ordered."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    cart: Mapped[int]
    closed: Mapped[bool] = mapped_column(default=False)


Session = async_sessionmaker(expire_on_commit=False)


def _prepare(connection: Any, _: object) -> None:
    # No commit waits for the disk, as long as that may take on this machine.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Have a database, a bank and a client for it as long as the shop is open."""
    with tempfile.TemporaryDirectory() as folder:
        engine = create_async_engine(f"sqlite+aiosqlite:///{Path(folder).as_posix()}/shop.db")
        event.listen(engine.sync_engine, "connect", _prepare)
        Session.configure(bind=engine)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with bank() as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
            app.state.bank = client
            yield
        await engine.dispose()


app = FastAPI(title="Checkout", lifespan=lifespan)
recorder = add_tasks(app, watch=True)

# Some tasks only pretend to work, so they leave their arguments alone.
# ruff: noqa: ARG001


async def validate_payment(payment_id: int) -> None:
    """Ask the bank, which takes its time."""
    await app.state.bank.post("/payments", json={"id": payment_id})


async def finalize_order(order_id: int) -> None:
    """Close the order's books: what the endpoint has saved is there."""
    async with Session.begin() as session:
        order = await session.get_one(Order, order_id)
        order.closed = True


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


async def count_sale() -> None:
    """Count, as one of Starlette's BackgroundTasks: it may stand beside the others."""
    await asyncio.sleep(0.020)


async def get_session() -> AsyncIterator[AsyncSession]:
    """Open a transaction, and commit it when the endpoint has returned."""
    async with Session.begin() as session:
        yield session


@app.post("/checkout")
async def checkout(
    cart_id: int,
    email: str,
    tasks: Tasks,
    background: BackgroundTasks,
    session: Annotated[AsyncSession, Depends(get_session, scope="function")],
) -> dict[str, int | str]:
    """Take an order: the customer waits for two short steps, and for none of the tasks."""
    payment_id = await _initiate_payment(cart_id)
    tasks.schedule(validate_payment, payment_id)
    order_id = await _create_order(session, cart_id)
    tasks.after_route.schedule(finalize_order, order_id)
    later = tasks.after_response
    later.schedule(send_confirmation, email, order_id)
    later.schedule(notify_shipping, order_id)
    later.schedule(print_invoice, order_id)
    later.schedule(add_loyalty_points, email)
    background.add_task(count_sale)
    return {"order_id": order_id, "payment_id": payment_id, "status": "processing"}


async def _initiate_payment(cart_id: int) -> int:
    await asyncio.sleep(0.006)
    return 9000 + cart_id


async def _create_order(session: AsyncSession, cart_id: int) -> int:
    await asyncio.sleep(0.008)
    order = Order(cart=cart_id)
    session.add(order)
    await session.flush()
    return order.id
