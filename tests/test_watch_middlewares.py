"""The middlewares of mounted apps are drawn as those of the app around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route

from fastapi_tasks import Recorder, Timeline, add_tasks, record
from visualize import explain

from .asgi import serving
from .virtual import now
from .watching import tree

pytestmark = pytest.mark.anyio

COMPRESSED = {"accept-encoding": "gzip"}


async def stamp(request: Request, call_next: Any) -> Any:
    return await call_next(request)


async def page(_: Request) -> PlainTextResponse:
    return PlainTextResponse("page")


def admin() -> FastAPI:
    """An app with two middlewares, in which another with one is mounted."""
    admin = FastAPI()
    admin.add_middleware(GZipMiddleware)
    admin.middleware("http")(stamp)

    @admin.get("/users")
    async def users() -> list[str]:
        return []

    @admin.get("/parts")
    async def parts() -> StreamingResponse:
        async def slow() -> AsyncIterator[str]:
            await anyio.sleep(0.05)
            yield "part"

        return StreamingResponse(slow())

    inner = Starlette(routes=[Route("/", page)], middleware=[Middleware(GZipMiddleware)])
    admin.mount("/inner", inner)
    return admin


async def recorded(app: FastAPI, *paths: str, watch: bool = True) -> list[Timeline]:
    recorder = record(app, recorder=Recorder(clock=now), watch=watch)
    async with serving(app) as server:
        for path in paths:
            await server.settle(path, headers=COMPRESSED)
    return recorder.timelines


async def test_those_of_mounted_apps_are_inside_of_those_around_them() -> None:
    app = FastAPI()
    app.add_middleware(CORSMiddleware)
    app.mount("/admin", admin())
    users, inner = await recorded(app, "/admin/users", "/admin/inner/")
    assert tree(users) == [
        "middleware CORSMiddleware",
        "  middleware stamp",
        "    middleware GZipMiddleware",
        "      endpoint users",
        "      serialization response",
        "sending response",
    ]
    assert tree(inner) == [
        "middleware CORSMiddleware",
        "  middleware stamp",
        "    middleware GZipMiddleware",
        "      middleware GZipMiddleware",
        "        endpoint page",
        "sending response",
    ]


def by_host(app: FastAPI, mounted: Any) -> None:
    app.router.routes.append(Host("test", mounted))


def by_mount_with_middleware(app: FastAPI, mounted: Any) -> None:
    app.router.routes.append(Mount("/admin", mounted, middleware=[Middleware(CORSMiddleware)]))


@pytest.mark.parametrize(
    ("mount", "path"),
    [
        (by_host, "/users"),
        (by_mount_with_middleware, "/admin/users"),
    ],
)
async def test_however_it_is_mounted(mount: Callable[[FastAPI, Any], None], path: str) -> None:
    app = FastAPI()
    mount(app, admin())
    (users,) = await recorded(app, path)
    assert (users.status, tree(users)[:3]) == (
        200,
        ["middleware stamp", "  middleware GZipMiddleware", "    endpoint users"],
    )


@pytest.mark.parametrize("middlewares", [(), (CORSMiddleware,), (CORSMiddleware, GZipMiddleware)])
async def test_the_first_part_of_a_stream_keeps_an_answer_and_no_middleware_does(
    middlewares: tuple[Any, ...],
) -> None:
    app = FastAPI()
    for one in middlewares:
        app.add_middleware(one)
    app.mount("/admin", admin())
    timelines = await recorded(app, "/admin/parts")
    waits = [span for span in timelines[0].spans if span.name == "first part"]
    assert [(span.kind, span.lasted) for span in waits] == [("sending", 50_000_000)]
    assert explain(timelines) == []


async def test_an_app_that_is_mounted_twice_has_each_once() -> None:
    app, mounted = FastAPI(), admin()
    app.mount("/one", mounted)
    app.mount("/other", mounted)
    one, other = await recorded(app, "/one/users", "/other/users")
    assert [line.strip() for line in tree(one)].count("middleware stamp") == 1
    assert tree(other) == tree(one)


async def test_what_is_mounted_has_its_own_middlewares_back() -> None:
    app, mounted = FastAPI(), admin()
    before = list(mounted.user_middleware)
    app.mount("/admin", mounted)
    await recorded(app, "/admin/users")
    assert mounted.user_middleware == before
    assert mounted.middleware_stack is not None


async def test_unwatched_there_are_none() -> None:
    app, mounted = FastAPI(), admin()
    app.mount("/admin", mounted)
    (users,) = await recorded(app, "/admin/users", watch=False)
    assert users.spans == []
    assert "build_middleware_stack" not in vars(mounted)


async def test_a_mounted_app_with_a_recorder_of_its_own_is_left_to_that() -> None:
    app, mounted = FastAPI(), admin()
    recorder = add_tasks(mounted, watch=True)
    app.mount("/admin", mounted)
    (outer,) = await recorded(app, "/admin/users")
    assert recorder.last is not None
    drawn = [line.strip() for one in (outer, recorder.last) for line in tree(one)]
    assert drawn.count("middleware stamp") == 1
