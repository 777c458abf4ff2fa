"""dishka: what it injects into endpoints, and when it closes that."""

from __future__ import annotations

from collections.abc import AsyncIterator

from dishka import AsyncContainer, Provider, Scope, make_async_container, provide
from dishka.integrations.fastapi import DishkaRoute, FromDishka, inject, setup_dishka
from fastapi import APIRouter, FastAPI

from fastapi_tasks import Tasks
from tests.company.shop import Lines, Shop

PATHS = ("/injected", "/injected-by-route")
RECORDED = "200: reserve immediate ok, book after_route ok, mail after_response ok"


class Session:
    """What a request asks for."""


class Sessions(Provider):
    """Opens a session for each request that asks for one."""

    def __init__(self, log: Lines) -> None:
        super().__init__()
        self.log = log

    @provide(scope=Scope.REQUEST)
    async def session(self) -> AsyncIterator[Session]:
        number = len(self.log)
        self.log.append(f"{number} opened")
        yield Session()
        self.log.append(f"{number + 1} closed")


def see_setup(shop: Shop) -> dict[str, Lines]:
    log: Lines = []
    container: AsyncContainer = make_async_container(Sessions(log))

    async def injected(session: FromDishka[Session], tasks: Tasks) -> str:
        tasks.schedule(shop.job("reserve"))
        tasks.after_route.schedule(shop.job("book"))
        tasks.after_response.schedule(shop.job("mail"))
        return type(session).__name__

    def integrate(app: FastAPI) -> None:
        setup_dishka(container, app)
        app.get("/injected")(inject(injected))
        router = APIRouter(route_class=DishkaRoute)
        router.get("/injected-by-route")(injected)
        app.include_router(router)

    also = [(f"GET {path}", f"GET {path} {RECORDED}") for path in PATHS]
    shop.run(integrate, also=also)
    return {"sessions": log}
