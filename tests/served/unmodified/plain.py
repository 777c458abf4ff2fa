"""An app of Starlette alone, made by a function, inside of a middleware of plain ASGI."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.background import BackgroundTask, BackgroundTasks
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send


class Version:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Login(Version):
    pass


async def refresh() -> None: ...


def archive() -> None: ...


async def save(request: Request) -> Response:
    await asyncio.create_task(refresh())
    chained = BackgroundTasks()
    chained.add_task(archive)
    chained.add_task(refresh)
    return JSONResponse({}, background=chained)


def read(request: Request) -> Response:
    return JSONResponse({}, background=BackgroundTask(archive))


async def crash(request: Request) -> Response:
    raise KeyError("a secret")


def create() -> ASGIApp:
    routes = [
        Route("/save", save),
        Mount("/files", routes=[Route("/read", read)]),
        Route("/crash", crash),
    ]
    return Version(Starlette(routes=routes, middleware=[Middleware(Login)]))
