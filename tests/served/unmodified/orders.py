"""Orders in a database, prices from another service, mails afterwards."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import StaticPool
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]
    price: Mapped[int]


class NewOrder(BaseModel):
    item: str


class SavedOrder(BaseModel):
    id: int
    item: str
    price: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with httpx.AsyncClient(base_url=os.environ["PRICES"], trust_env=False) as client:
        app.state.prices = client
        yield {"prices": client}
    await engine.dispose()


async def get_session() -> AsyncIterator[AsyncSession]:
    async with Session() as session:
        yield session


class CurrentUser:
    def __init__(self, name: str) -> None:
        self.name = name


async def get_user(session: Annotated[AsyncSession, Depends(get_session)]) -> CurrentUser:
    return CurrentUser("someone")


def send_mail(order: int) -> None: ...


async def count_order(order: int) -> None:
    async with Session() as session:
        await session.get(Order, order)


async def fail_to_print(order: int) -> None:
    raise ConnectionError("the printer is off")


app = FastAPI(lifespan=lifespan)
app.add_middleware(GZipMiddleware)
app.add_middleware(CORSMiddleware, allow_origins=["*"])

router = APIRouter(prefix="/orders")


@router.post("", response_model=SavedOrder, status_code=201)
async def create_order(
    new: NewOrder,
    background: BackgroundTasks,
    session: Annotated[AsyncSession, Depends(get_session)],
    user: Annotated[CurrentUser, Depends(get_user)],
) -> Order:
    answer = await app.state.prices.get(f"/prices/{new.item}", params={"for": user.name})
    order = Order(item=new.item, price=answer.json())
    session.add(order)
    await session.commit()
    background.add_task(send_mail, order.id)
    background.add_task(count_order, order.id)
    background.add_task(fail_to_print, order.id)
    background.add_task(send_mail, order.id)
    return order


@router.get("/{number}")
async def get_order(
    number: int, session: Annotated[AsyncSession, Depends(get_session)]
) -> SavedOrder:
    order = await session.get(Order, number)
    if order is None:
        raise HTTPException(404)
    return SavedOrder(id=order.id, item=order.item, price=order.price)


app.include_router(router, prefix="/v1")
