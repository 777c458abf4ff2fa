"""The path that an app declares for a request, with the prefixes of its routers and its mounts."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router

from fastapi_tasks import Recorder, Tasks
from fastapi_tasks.routes import routes_of

from .asgi import serving

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


async def plain() -> None: ...


async def with_tasks(tasks: Tasks) -> None: ...


ENDPOINTS = pytest.mark.parametrize("endpoint", [plain, with_tasks])


@ENDPOINTS
@pytest.mark.parametrize(
    ("asked", "route"),
    [
        ("/own/3", "/own/{number}"),
        ("/api/v1/it/3", "/api/v1/it/{number}"),
        ("/api/v2/it/3", "/api/v2/it/{number}"),
        ("/api/v1/shops/7/it/3", "/api/v1/shops/{shop}/it/{number}"),
        ("/api/v1", "/api/v1"),
        ("/inside/9/it/3", "/inside/{tenant}/it/{number}"),
        ("/inside/9/api/it/3", "/inside/{tenant}/api/it/{number}"),
        ("/inside/inside/it/3", "/inside/{tenant}/it/{number}"),
        ("/inside/9/rooms/9/it/9", "/inside/{tenant}/rooms/{room}/it/{number}"),
        pytest.param(
            "/starlette/it/3",
            "/starlette/it/{number}",
            marks=pytest.mark.skipif(
                'scope["route"]' not in inspect.getsource(Router),
                reason="Starlette of this version does not tell which route of its own it took",
            ),
        ),
        ("/nowhere", None),
        ("/inside/9/nowhere", None),
    ],
)
async def test_is_whole_wherever_the_route_stands(
    make_app: MakeApp,
    recorder: Recorder,
    endpoint: Callable[..., object],
    asked: str,
    route: str | None,
) -> None:
    router, nested = APIRouter(), APIRouter()
    router.get("/it/{number}")(endpoint)
    nested.get("/it/{number}")(endpoint)
    router.get("")(endpoint)
    router.include_router(nested, prefix="/shops/{shop}")
    app, inside, room = make_app(), FastAPI(), FastAPI()
    app.get("/own/{number}")(endpoint)
    app.include_router(router, prefix="/api/v1")
    app.include_router(router, prefix="/api/v2")
    inside.get("/it/{number}")(endpoint)
    inside.include_router(nested, prefix="/api")
    room.get("/it/{number}")(endpoint)
    inside.mount("/rooms/{room}", room)
    app.mount("/inside/{tenant}", inside)

    def starlettes(_: object) -> PlainTextResponse:
        return PlainTextResponse("")

    app.router.routes.append(Mount("/starlette", routes=[Route("/it/{number}", starlettes)]))
    async with serving(app) as server:
        # With Tasks the first request is the one that FastAPI resolves them for.
        for _ in range(2):
            await server.get(asked)
    assert [timeline.route for timeline in recorder.timelines] == [route, route]


def test_all_of_an_app_are_found_wherever_they_stand() -> None:
    app, router, mounted, hosted = FastAPI(), APIRouter(), FastAPI(), FastAPI()
    for number, holder in enumerate((app, router, mounted, hosted)):
        holder.get(f"/{number}")(plain)
    app.include_router(router, prefix="/api")
    app.mount("/mounted", mounted)
    app.router.routes.append(Host("shop.example", hosted))
    own = [route for route in routes_of(app) if getattr(route, "endpoint", None) is plain]
    assert [route.path for route in own] == ["/0", "/api/1", "/2", "/3"]


@pytest.mark.parametrize("holder", [None, plain, {"routes": 3}])
def test_what_has_none_has_none(holder: object) -> None:
    assert list(routes_of(holder)) == []
