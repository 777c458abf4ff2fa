"""The app that every integration looks at, and the requests that it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any, Literal

import fastapi
from fastapi import APIRouter, BackgroundTasks, FastAPI, HTTPException, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse

from fastapi_tasks import Recorder, Tasks, add_tasks, get_tasks
from tests.asgi import Answer, Server, serving

Where = Literal["without", "before", "after", "watching"]
"""Where `add_tasks` stands: nowhere, before the integration, after it; or before it, watching."""

MODES = ("immediate", "after_route", "after_response")

Lines = list[str]
PATIENCE = 20

REQUESTS = (
    "GET /orders/7",
    "GET /api/orders/7",
    "POST /checkout",
    "POST /checkout-in-thread",
    "GET /refused",
    "GET /sold-out",
    "GET /broken",
    "GET /stream",
    "GET /missing",
    "WS /socket",
)

TIMELINES = [
    "GET /orders/7 200",
    "GET /api/orders/7 200",
    "POST /checkout 200: reserve immediate ok, stamp immediate ok, book after_route ok, "
    "mail after_response ok, label after_response ok",
    "POST /checkout-in-thread 200: reserve immediate ok, stamp immediate ok, book after_route ok, "
    "mail after_response ok, label after_response ok",
    "GET /refused 409: reserve immediate ok",
    "GET /sold-out 410",
    "GET /broken 500 ValueError: reserve immediate ok",
    "GET /stream 200: mail after_response ok",
    "GET /missing 404",
    "WS /socket None: reserve immediate ok, book after_route ok, mail after_response ok",
]
"""What the recorder has to say about these requests."""

serves: ContextVar[str] = ContextVar("serves")
"""The request that is served."""


class SoldOutError(Exception):
    """What the shop answers with a handler of its own."""


class Without:
    """Takes the place of `Tasks` in an app without them: the same calls, nothing runs."""

    def __init__(self) -> None:
        self.after_route = self.after_response = self

    def schedule(self, *_: object) -> None: ...


class Shop:
    """An app with everything that integrations look at.

    `look` is called inside of each task; what it returns is kept in `looked`, as it was in the
    task and as it was where that was scheduled. By default it tells the request.
    """

    app: FastAPI

    def __init__(self, where: Where) -> None:
        self.where = where
        self.recorder: Recorder | None = None
        self.look: Callable[[], object] = serves.get
        self.looked: list[tuple[str, str, str]] = []
        self.answered: list[tuple[str, Answer]] = []
        self.due = list(TIMELINES)

    def run(
        self,
        integrate: Callable[[FastAPI], object] = lambda _: None,
        *,
        midway: Callable[[FastAPI], object] | None = None,
        also: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Open the shop and send it all requests; after half of them, call `midway`.

        `also` are more requests, each with what is to be recorded of it.
        """
        self.open(integrate)
        requests = [*REQUESTS, *(request for request, _ in also)]
        self.due += [recorded for _, recorded in also]
        half = len(requests) // 2 if midway else len(requests)

        async def serve() -> None:
            async with serving(self.app) as server:
                await self._send(server, requests[:half])
                if midway:
                    midway(self.app)
                await self._send(server, requests[half:])

        asyncio.run(serve())

    def open(self, integrate: Callable[[FastAPI], object]) -> None:
        """Make the app, with `integrate` and `add_tasks` in their order."""
        # Looked up here, since OpenTelemetry puts a class of its own in its place.
        self.app = fastapi.FastAPI()
        if self.where in ("before", "watching"):
            self.recorder = add_tasks(self.app, watch=self.where == "watching")
        integrate(self.app)
        furnish(self)
        if self.where == "after":
            self.recorder = add_tasks(self.app)
        if self.where == "without":
            self.app.dependency_overrides[get_tasks] = Without

    async def _send(self, server: Server, requests: Sequence[str]) -> None:
        for request in requests:
            # A task of its own for each, as servers do, so that no context goes from one to the
            # next.
            answer = await asyncio.create_task(ask(server, request))
            self.answered.append((request, answer))
            if self.recorder is not None:
                await self.recorder.settled(PATIENCE)

    @property
    def answers(self) -> Lines:
        """What the server got, a line for each request."""
        return [f"{request}: {described(answer)}" for request, answer in self.answered]

    def headers(self, *names: str) -> Lines:
        """Return these headers of every answer that has them."""
        return [
            f"{request}: {name}={value.decode()}"
            for request, answer in self.answered
            for message in answer.messages
            for key, value in message.get("headers", ())
            for name in names
            if key.decode().lower() == name
        ]

    @property
    def timelines(self) -> Lines:
        """What was recorded, a line for each request."""
        lines = []
        for one in self.recorder.timelines if self.recorder else []:
            ours = [task for task in one.tasks if task.mode in MODES]
            tasks = ", ".join(f"{task.name} {task.mode} {task.outcome}" for task in ours)
            error = f" {one.error}" if one.error and one.status == 500 else ""
            lines.append(f"{one.method} {one.path} {one.status}{error}{tasks and ': '}{tasks}")
        return lines

    def job(self, name: str) -> Callable[[], Awaitable[None]]:
        """Return an `async def` task of this name, which has to see what is seen here."""
        expected = str(self.look())

        async def job() -> None:
            await asyncio.sleep(0)
            self.looked.append((name, str(self.look()), expected))

        job.__name__ = job.__qualname__ = name
        return job

    def job_in_thread(self, name: str) -> Callable[[], None]:
        """Return a `def` task of this name, which has to see what is seen here."""
        expected = str(self.look())

        def job() -> None:
            self.looked.append((name, str(self.look()), expected))

        job.__name__ = job.__qualname__ = name
        return job


async def ask(server: Server, request: str) -> Answer:
    """Send one request, given as `GET /path`."""
    serves.set(request)
    method, path = request.split(" ", 1)
    if method != "WS":
        return await server.request(method, path)
    return await server.websocket(path, [])


def described(answer: Answer) -> str:
    """Return what the server got, in a line."""
    types = [message["type"] for message in answer.messages]
    status = answer.status if "http.response.start" in types else " ".join(types)
    error = f" {type(answer.error).__name__}: {answer.error}" if answer.error else ""
    return f"{status} {answer.body.decode()}{error}"


def tasks_in(timelines: Iterable[str]) -> Lines:
    """Return every task in these lines, with the path of its request: `mail of /checkout`."""
    return [
        f"{task.split()[0]} of {head.split()[1]}"
        for head, _, tasks in (line.partition(": ") for line in timelines)
        for task in tasks.split(", ")
        if task
    ]


def furnish(shop: Shop) -> None:
    """Give the shop its endpoints."""
    app = shop.app

    @app.exception_handler(SoldOutError)
    async def sold_out(_: object, error: SoldOutError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 410)

    app.add_api_route("/orders/{number}", order)
    api = APIRouter()
    api.add_api_route("/orders/{number}", order_with_background_tasks)
    app.include_router(api, prefix="/api")
    app.add_api_route("/sold-out", sell)
    _with_tasks(app, shop)


def answer_errors(app: FastAPI) -> None:
    """Give the app an answer of its own to errors that nothing else handles."""

    @app.exception_handler(Exception)
    async def sorry(_: object, error: Exception) -> JSONResponse:
        return JSONResponse({"sorry": str(error)}, 500)


def _with_tasks(app: FastAPI, shop: Shop) -> None:
    job, in_thread = shop.job, shop.job_in_thread

    def schedule(tasks: Any) -> None:
        tasks.schedule(job("reserve"))
        tasks.schedule(in_thread("stamp"))
        tasks.after_route.schedule(job("book"))
        tasks.after_response.schedule(job("mail"))
        tasks.after_response.schedule(in_thread("label"))

    @app.post("/checkout")
    async def checkout(tasks: Tasks) -> dict[str, str]:
        schedule(tasks)
        return {"status": "processing"}

    @app.post("/checkout-in-thread")
    def checkout_in_thread(tasks: Tasks) -> dict[str, str]:
        schedule(tasks)
        return {"status": "processing"}

    @app.get("/refused")
    async def refused(tasks: Tasks) -> None:
        tasks.schedule(job("reserve"))
        raise HTTPException(409, "refused")

    @app.get("/broken")
    async def broken(tasks: Tasks) -> None:
        tasks.schedule(job("reserve"))
        raise ValueError("broken")

    @app.get("/stream")
    async def stream(tasks: Tasks) -> StreamingResponse:
        tasks.after_response.schedule(job("mail"))
        return StreamingResponse(chunks(), media_type="text/plain")

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, tasks: Tasks) -> None:
        await websocket.accept()
        tasks.schedule(job("reserve"))
        tasks.after_route.schedule(job("book"))
        tasks.after_response.schedule(job("mail"))
        await websocket.send_text("welcome")
        await websocket.close()


async def chunks() -> AsyncIterator[str]:
    for number in range(3):
        await asyncio.sleep(0)
        yield f"{number};"


async def order(number: int) -> dict[str, int]:
    return {"number": number}


def order_with_background_tasks(number: int, background: BackgroundTasks) -> dict[str, int]:
    background.add_task(sweep)
    return {"number": number}


def sweep() -> None: ...


async def sell() -> None:
    raise SoldOutError("sold out")
