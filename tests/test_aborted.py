"""T8: what the timeline says of a client that left, whoever hears of it; and when it has not."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.websockets import WebSocketDisconnect

from fastapi_tasks import Recorder, Tasks, Timeline

from .asgi import Message, serving

pytestmark = [
    pytest.mark.anyio,
    # Starlette's middleware for functions drops one in releases before 1.0, and trio tells.
    pytest.mark.filterwarnings("ignore:Async generator 'starlette.requests.Request.stream'"),
]

MakeApp = Callable[..., FastAPI]

MIDDLEWARES = ["none", "pure", "base", "base twice"]


class Pure:
    """A middleware that passes everything on."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def add_middleware(app: FastAPI, kind: str) -> None:
    async def passes(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    if kind == "pure":
        app.add_middleware(Pure)
    for _ in range({"base": 1, "base twice": 2}.get(kind, 0)):
        app.middleware("http")(passes)


class Client:
    """A client that leaves after so many seconds, on a server that says so as servers do."""

    def __init__(self, leaves_after: float, *, spec_version: str) -> None:
        self._leaves_after = leaves_after
        self._raises = spec_version >= "2.4"
        self._left = anyio.Event()
        self._asked = False
        self.got: list[Message] = []

    async def on_send(self, message: Message) -> None:
        if not self._left.is_set():
            self.got.append(message)
        elif self._raises:
            raise OSError("the client has left")

    async def receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if not self._left.is_set():
            await self._left.wait()
        return {"type": "http.disconnect"}

    async def leave(self) -> None:
        await anyio.sleep(self._leaves_after)
        self._left.set()


async def visit(app: FastAPI, recorder: Recorder, client: Client, spec_version: str) -> Timeline:
    """Ask for `/`, and leave."""

    async def receiving(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, client.receive if scope["type"] == "http" else receive, send)

    async with serving(receiving) as server, anyio.create_task_group() as group:
        group.start_soon(client.leave)
        await server.get("/", on_send=client.on_send, spec_version=spec_version)
        await recorder.settled()
    assert recorder.last is not None
    return recorder.last


def told(timeline: Timeline) -> tuple[Any, ...]:
    """Status, error, aborted, when it was sent; how the task ended."""
    return (
        timeline.status,
        timeline.error,
        timeline.aborted,
        timeline.response_sent,
        [task.outcome for task in timeline.tasks],
    )


@pytest.mark.parametrize("middleware", MIDDLEWARES)
@pytest.mark.parametrize("spec_version", ["2.0", "2.4"])
class TestAClientThatLeaves:
    # Starlette leaves a body that nobody reads any more to the loop, and trio says so.
    @pytest.mark.filterwarnings("ignore:Async generator '.*body' was garbage:ResourceWarning")
    async def test_in_the_middle_of_a_stream_is_an_abort(
        self, make_app: MakeApp, recorder: Recorder, middleware: str, spec_version: str
    ) -> None:
        app = make_app()
        add_middleware(app, middleware)

        async def body() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x"
                await anyio.sleep(0.1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> StreamingResponse:
            tasks.after_response.schedule(anyio.sleep, 0)
            return StreamingResponse(body())

        client = Client(0.25, spec_version=spec_version)
        timeline = await visit(app, recorder, client, spec_version)
        assert len(client.got) == 4
        assert told(timeline) == (200, None, True, None, ["ok"])
        assert timeline.request_end is not None
        # It is noticed at once, or by the next part of the body.
        assert timeline.request_end <= 300_000_000
        assert timeline.tasks[0].released == timeline.request_end

    async def test_before_the_answer_is_an_abort_that_the_endpoint_may_hear_of(
        self, make_app: MakeApp, recorder: Recorder, middleware: str, spec_version: str
    ) -> None:
        if "base" in middleware:
            pytest.skip("Starlette lets no endpoint behind it hear of that")
        app = make_app()
        add_middleware(app, middleware)

        @app.get("/")
        async def endpoint(request: Request, tasks: Tasks) -> str:
            tasks.after_response.schedule(anyio.sleep, 0)
            while not await request.is_disconnected():
                await anyio.sleep(0.1)
            return "nobody hears"

        client = Client(0.25, spec_version=spec_version)
        timeline = await visit(app, recorder, client, spec_version)
        assert client.got == []
        assert timeline.aborted
        assert timeline.response_sent is None
        assert [task.outcome for task in timeline.tasks] == ["ok"]

    async def test_once_it_has_everything_is_no_abort(
        self, make_app: MakeApp, recorder: Recorder, middleware: str, spec_version: str
    ) -> None:
        app = make_app()
        add_middleware(app, middleware)

        async def body() -> AsyncIterator[bytes]:
            for _ in range(2):
                yield b"x"
                await anyio.sleep(0.1)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> StreamingResponse:
            tasks.after_response.schedule(anyio.sleep, 0)
            return StreamingResponse(body())

        client = Client(0.25, spec_version=spec_version)
        timeline = await visit(app, recorder, client, spec_version)
        assert told(timeline) == (200, None, False, 200_000_000, ["ok"])


class TestAServerThatSaysAlwaysThatTheClientLeft:
    """Some do so as soon as they have been given the last part, and before that `send` returns."""

    @pytest.mark.parametrize("middleware", MIDDLEWARES)
    async def test_has_been_given_all_the_same(
        self, make_app: MakeApp, recorder: Recorder, middleware: str
    ) -> None:
        app = make_app()
        add_middleware(app, middleware)
        over = anyio.Event()
        heard: list[str] = []

        class Listens:
            """Goes on listening while it passes the response on."""

            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                async def listen() -> None:
                    while True:
                        heard.append((await receive())["type"])
                        if heard[-1] == "http.disconnect":
                            return

                if scope["type"] != "http":
                    await self.app(scope, receive, send)
                    return
                async with anyio.create_task_group() as group:
                    group.start_soon(listen)
                    await self.app(scope, receive, send)

        app.add_middleware(Listens)

        async def on_send(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                over.set()
                await anyio.sleep(0.05)

        @app.get("/")
        async def endpoint(tasks: Tasks) -> str:
            tasks.after_response.schedule(anyio.sleep, 0)
            return "answer"

        async def receive() -> Message:
            if not heard:
                return {"type": "http.request", "body": b"", "more_body": False}
            await over.wait()
            return {"type": "http.disconnect"}

        async def receiving(scope: Any, inbox: Any, send: Any) -> None:
            await app(scope, receive if scope["type"] == "http" else inbox, send)

        async with serving(receiving) as server:
            await server.get("/", on_send=on_send)
            await recorder.settled()
        assert heard == ["http.request", "http.disconnect"]
        assert recorder.last is not None
        assert told(recorder.last) == (200, None, False, 50_000_000, ["ok"])


class TestOnceTheAppHasReturned:
    async def test_a_request_says_that_its_client_has_left(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        kept: list[Request] = []

        @app.get("/")
        async def endpoint(request: Request) -> None:
            kept.append(request)

        async with serving(app) as server:
            await server.get("/")
            assert await kept[0].is_disconnected()
        assert recorder.last is not None
        assert not recorder.last.aborted

    async def test_so_does_a_connection(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()
        kept: list[WebSocket] = []

        @app.websocket("/")
        async def endpoint(socket: WebSocket) -> None:
            await socket.accept()
            kept.append(socket)

        async with serving(app) as server:
            await server.websocket("/", [])
            with pytest.raises(WebSocketDisconnect) as caught:
                await kept[0].receive_text()
        assert caught.value.code == 1006


MORE = {"more_body": True}
START = {"type": "http.response.start", "status": 200, "headers": []}
TRAILED = {**START, "trailers": True}
BODY = {"type": "http.response.body", "body": b"a"}
ZEROCOPY = {"type": "http.response.zerocopysend", "file": 3}
PATHSEND = {"type": "http.response.pathsend", "path": "/file"}
TRAILERS = {"type": "http.response.trailers", "headers": []}


@pytest.mark.parametrize(
    ("messages", "number"),
    [
        ([TRAILED, PATHSEND, TRAILERS], 3),
        ([TRAILED, ZEROCOPY, TRAILERS], 3),
        ([TRAILED, BODY | MORE, BODY, TRAILERS | {"more_trailers": True}, TRAILERS], 5),
        ([START | {"trailers": False}, PATHSEND], 2),
        ([{"type": "http.response.debug", "info": {}}, START, BODY], 3),
        ([START, BODY | MORE, BODY | {"more_body": False}], 3),
        ([START, {"type": "http.response.push", "path": "/a", "headers": []}, BODY], 3),
    ],
    ids=[
        *("trailers after pathsend", "trailers after zerocopysend", "trailers in parts"),
        *("no trailers", "debug", "more body", "push"),
    ],
)
async def test_the_last_message_is_the_last_of_them(
    make_app: MakeApp, recorder: Recorder, messages: list[Message], number: int
) -> None:
    """T3 and T8: a response has been sent when its last message was, and not before."""
    app = make_app()

    class Raw(JSONResponse):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            for message in messages:
                await send(message)
            await anyio.sleep(1)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> Raw:
        tasks.after_response.schedule(anyio.sleep, 0)
        return Raw({})

    async def slow_send(_: Message) -> None:
        await anyio.sleep(0.02)

    async with serving(app) as server:
        timeline = await server.settle("/", on_send=slow_send)
    sent = number * 20_000_000
    assert told(timeline) == (200, None, False, sent, ["ok"])
    assert timeline.tasks[0].released == sent


async def test_a_response_without_its_trailers_is_an_abort(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()

    class Raw(JSONResponse):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            for message in (TRAILED, PATHSEND):
                await send(message)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> Raw:
        tasks.after_response.schedule(anyio.sleep, 0)
        return Raw({})

    async with serving(app) as server:
        timeline = await server.settle("/")
    assert told(timeline) == (200, None, True, None, ["ok"])
