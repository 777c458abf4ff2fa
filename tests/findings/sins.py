"""Apps that commit one sin each, and the same apps cured, on real servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request
from fastapi.responses import Response, StreamingResponse
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_tasks import Recorder, Tasks, Timeline, add_tasks
from visualize.lab import Lab, serve

Visit = Callable[[Lab], Awaitable[None]]

# Some hold their event loop, to show what is said about it.
# ruff: noqa: ASYNC251


def app_with(**options: Any) -> FastAPI:
    app = FastAPI()
    add_tasks(app, recorder=Recorder(maxlen=1000), **options)
    return app


async def recorded(app: FastAPI, visit: Visit | None = None) -> list[Timeline]:
    """Serve an app, visit it once or as `visit` does, and return what was recorded."""
    async with serve(app, quiet=True) as lab:
        await (visit or once)(lab)
        await lab.settled()
        return lab.timelines


async def once(lab: Lab) -> None:
    await lab.warm_up("POST", "/orders")
    await lab.post("/orders")


def several(times: int) -> Visit:
    async def visit(lab: Lab) -> None:
        await lab.warm_up("POST", "/orders")
        for _ in range(times):
            await lab.post("/orders")

    return visit


def stopping(times: int = 1) -> Visit:
    """Visit without waiting for the tasks, so that the shutdown finds them running."""

    async def visit(lab: Lab) -> None:
        await several(times)(lab)
        await lab.stop()

    return visit


# 1. The loop was held --------------------------------------------------------------------------


def loop_held(*, cured: bool) -> FastAPI:
    app = app_with(watch=True)

    async def blocks() -> None:
        time.sleep(0.25)

    def in_a_thread() -> None:
        time.sleep(0.25)

    async def mail() -> None:
        await asyncio.sleep(0.01)

    @app.get("/search")
    async def search() -> None:
        await asyncio.sleep(0.12)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        resize = tasks.after_response.task(name="resize")
        resize.schedule(in_a_thread if cured else blocks)
        tasks.after_response.schedule(mail)

    return app


async def while_others_wait(lab: Lab) -> None:
    for method, path in (("GET", "/search"), ("POST", "/orders")):
        await lab.warm_up(method, path)
    async with anyio.create_task_group() as group:
        group.start_soon(lab.get, "/search")
        await anyio.sleep(0.02)
        await lab.post("/orders")


# 2. No thread was free -------------------------------------------------------------------------


def no_thread_free(*, cured: bool) -> FastAPI:
    app = app_with(threads=40 if cured else 2)

    def print_label() -> None:
        time.sleep(0.06)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        for _ in range(6):
            tasks.after_response.schedule(print_label)

    return app


# And no slot of a limit -------------------------------------------------------------------------


def no_slot_free(*, cured: bool) -> FastAPI:
    app = app_with()

    async def call_partner() -> None:
        await anyio.sleep(0.06)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        limited = tasks.after_response.task(limit=10 if cured else 1)
        for _ in range(3):
            limited.schedule(call_partner)

    return app


# 3. A first step before the answer -------------------------------------------------------------


def step_before_answer(*, cured: bool) -> FastAPI:
    app = app_with()

    async def index() -> None:
        time.sleep(0.06)

    def in_a_thread() -> None:
        time.sleep(0.06)

    async def passes_on(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=passes_on)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        tasks.after_route.task(name="index").schedule(in_a_thread if cured else index)

    return app


# 4. Closed or committed later ------------------------------------------------------------------


def closed_later(*, cured: bool) -> FastAPI:
    app = app_with(watch=True)

    async def get_db() -> AsyncIterator[None]:
        yield
        await asyncio.sleep(0.01)

    async def send_mail() -> None:
        await asyncio.sleep(0.03)

    db = Depends(get_db, scope="function" if cured else "request")

    @app.post("/orders", dependencies=[db])
    async def order(tasks: Tasks) -> None:
        tasks.after_response.schedule(send_mail)

    return app


# 5. Discarded, failed, cancelled, abandoned ----------------------------------------------------


def failing(*, cured: bool) -> FastAPI:
    app = app_with()

    async def charge() -> None:
        await asyncio.sleep(0.01)
        if not cured:
            raise ConnectionError("the bank does not answer")

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        tasks.after_response.schedule(charge)

    return app


def discarding(*, cured: bool) -> FastAPI:
    app = app_with()

    async def send_mail() -> None:
        pass

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        tasks.after_response.schedule(send_mail)
        if not cured:
            raise ValueError("no such cart")

    return app


def cancelled(*, cured: bool) -> FastAPI:
    app = app_with(grace_period=0.05, shutdown_timeout=2)

    async def export() -> None:
        await asyncio.sleep(0.3)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        tasks.after_response.task(shield=cured).schedule(export)

    return app


def abandoned(*, cured: bool) -> FastAPI:
    app = app_with(grace_period=0.05, shutdown_timeout=5 if cured else 0.1)

    def crunch() -> None:
        time.sleep(1.2)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        tasks.after_response.schedule(crunch)

    return app


def never_come_to(*, how: str) -> FastAPI:
    """One of BackgroundTasks never runs, and it is not its own fault."""
    app = app_with(watch=True)

    async def log() -> None:
        raise ConnectionError

    async def mail() -> None:
        pass

    @app.post("/orders")
    async def order(background: BackgroundTasks) -> Response:
        if how == "after one that failed":
            background.add_task(log)
        background.add_task(mail)
        if how == "of an endpoint that failed":
            raise HTTPException(409)
        own = BackgroundTask(mail) if how == "beside another response's own" else background
        return Response(background=own)

    return app


def refused(*, by: str) -> FastAPI:
    """What comes before the endpoint refuses a request, and has asked for a BackgroundTask."""
    app = app_with(watch=True)

    async def mail() -> None: ...

    async def log_in(background: BackgroundTasks) -> None:
        background.add_task(mail)
        if by == "log_in":
            raise HTTPException(401)

    @app.post("/orders", dependencies=[Depends(log_in)])
    async def order(number: int) -> None: ...

    return app


# 6. Would not survive a shutdown ---------------------------------------------------------------


def too_long_for_shutdown(*, cured: bool) -> FastAPI:
    app = app_with()

    async def export() -> None:
        await asyncio.sleep(0.15)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        tasks.after_response.task(shield=cured).schedule(export)

    return app


# 7. Never awaited ------------------------------------------------------------------------------


def never_awaited(*, cured: bool) -> FastAPI:
    app = app_with()

    async def warm_cache() -> None:
        await asyncio.sleep(0.001)

    async def order(tasks: Tasks) -> None:
        tasks.schedule(warm_cache)
        time.sleep(0.06)

    def in_a_thread(tasks: Tasks) -> None:
        tasks.schedule(warm_cache)
        time.sleep(0.06)

    app.post("/orders")(in_a_thread if cured else order)
    return app


# 8. One after another --------------------------------------------------------------------------


def one_after_another(*, cured: bool) -> FastAPI:
    app = app_with(watch=True)

    async def send_mail() -> None:
        await asyncio.sleep(0.06)

    def log() -> None:
        time.sleep(0.01)

    @app.post("/orders")
    async def order(tasks: Tasks, background: BackgroundTasks) -> None:
        for work in (send_mail, log):
            if cured:
                tasks.after_response.schedule(work)
            else:
                background.add_task(work)

    return app


# 9. A middleware kept the answer ---------------------------------------------------------------


class Auditing:
    """A middleware that works before it passes the answer on or, cured, afterwards."""

    def __init__(self, app: ASGIApp, cured: bool) -> None:
        self.app, self.cured = app, cured

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def passing_on(message: Message) -> None:
            if message["type"] == "http.response.start" and not self.cured:
                await asyncio.sleep(0.06)
            await send(message)

        await self.app(scope, receive, passing_on)
        if self.cured and scope["type"] == "http":
            await asyncio.sleep(0.06)


class Collecting(Auditing):
    """One that works on the whole answer before it passes any of it on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        if scope["type"] != "http" or self.cured:
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, collect)
        await asyncio.sleep(0.06)
        for message in messages:
            await send(message)


class Waiting(BaseHTTPMiddleware):
    """One that awaits something between the answer and its return."""

    def __init__(self, app: ASGIApp, cured: bool) -> None:
        super().__init__(app)
        self.cured = cured

    async def dispatch(self, request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        await asyncio.sleep(0 if self.cured else 0.06)
        return response


class Passing(BaseHTTPMiddleware):
    """One that does nothing, around the others and inside of them."""

    async def dispatch(self, request: Request, call_next: Any) -> Any:
        return await call_next(request)


def streaming() -> FastAPI:
    """What streams begins to answer before there is a body, for which gzip waits."""
    app = app_with(watch=True)
    app.add_middleware(GZipMiddleware)

    @app.post("/orders")
    async def order() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for part in (b"a", b"b"):
                await asyncio.sleep(0.06)
                yield part

        return StreamingResponse(parts())

    return app


def answer_kept(*, cured: bool, by: type[Auditing | Waiting] = Auditing) -> FastAPI:
    app = app_with(watch=True)
    app.add_middleware(Passing)
    app.add_middleware(by, cured=cured)
    app.add_middleware(GZipMiddleware)
    app.add_middleware(Passing)

    @app.post("/orders")
    async def order() -> dict[str, int]:
        return {"number": 3}

    return app


# 10. Piling up ---------------------------------------------------------------------------------


def piling_up(*, cured: bool) -> FastAPI:
    app = app_with(grace_period=5 if cured else 0)
    turn = anyio.CapacityLimiter(40 if cured else 1)

    async def index() -> None:
        async with turn:
            await asyncio.sleep(0.03)

    @app.post("/orders")
    async def order(tasks: Tasks) -> None:
        tasks.after_response.schedule(index)

    return app


async def for_a_while(lab: Lab) -> None:
    """Visit faster than the tasks are done; the shutdown lets the rest go."""
    await lab.warm_up("POST", "/orders")
    for _ in range(150):
        await lab.post("/orders")
        await anyio.sleep(0.004)
    await lab.stop()
