"""The lab without a server: what it does in a server's place, and what it says of itself."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import anyio
import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from fastapi_tasks import Tasks, add_tasks
from visualize.lab import (
    LabError,
    NotInBrowserError,
    browser,
    compare_modes_async,
    serve,
    start,
)
from visualize.lab.exchange import BUFFER
from visualize.lab.modes import WAYS

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def in_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this Python refuse what one in a browser does not have, until the test is over."""
    for owner, name, _ in browser.REFUSED:
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr(time, "sleep", time.sleep)
    for name in ("fastapi_tasks", "uvicorn.error"):
        monkeypatch.setattr(logging.getLogger(name), "filters", [])
    monkeypatch.setattr(browser, "_met", [])
    monkeypatch.setattr(browser, "IN_BROWSER", True)


def shop() -> FastAPI:
    app = FastAPI()
    add_tasks(app)

    async def send_mail() -> None:
        await anyio.sleep(0.02)

    @app.post("/orders/{tea}")
    async def order(tea: str, tasks: Tasks) -> dict[str, str]:
        tasks.after_response.schedule(send_mail)
        return {"ordered": tea}

    return app


async def test_a_request_has_its_timeline_and_its_clients_view() -> None:
    async with serve(shop(), in_process=True) as lab:
        await lab.warm_up("POST", "/orders/none")
        answer = await lab.post("/orders/Earl%20Grey", params={"cups": "2"})
        timeline = await lab.timeline(answer)
    assert answer.json() == {"ordered": "Earl Grey"}
    assert lab.timelines == [timeline]
    (mail,), client = timeline.tasks, timeline.client
    assert client is not None
    assert client.answered is not None
    assert client.received is not None
    assert timeline.response_sent is not None
    assert mail.started is not None
    assert client.sent <= timeline.request_start <= timeline.response_sent <= mail.started
    assert client.answered <= client.received
    assert mail.outcome == "ok"


async def test_it_says_that_there_is_no_server_and_what_sent_means() -> None:
    async with serve(shop(), in_process=True) as lab:
        assert "There is no server here" in lab.how
        assert '"Sent" means that the last byte was put into the client\'s own buffer' in lab.how
        assert lab.url == "http://in-process"
    async with serve(shop()) as served:
        assert "real server" in served.how
        assert '"Sent" means that the server gave the last byte to its socket' in served.how


async def test_neither_a_socket_nor_a_thread_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[object] = []
    monkeypatch.setattr(threading.Thread, "start", taken.append)
    monkeypatch.setattr(socket, "socket", taken.append)
    async with serve(shop(), in_process=True) as lab:
        assert (await lab.post("/orders/Assam")).status_code == 200
    assert taken == []


async def test_what_fits_into_the_clients_buffer_is_sent_though_nobody_has_read_it() -> None:
    app = FastAPI()

    @app.get("/")
    async def page() -> PlainTextResponse:
        return PlainTextResponse("x" * BUFFER)

    async with serve(app, in_process=True) as lab, lab.stream("GET", "/") as answer:
        await lab.settled()
        assert lab.last.response_sent is not None
        assert lab.last.client is not None
        assert lab.last.client.received is None
        assert len(await answer.aread()) == BUFFER
    assert lab.last.client.received is not None
    assert lab.last.response_sent < lab.last.client.received


async def test_with_more_than_that_unread_the_app_waits() -> None:
    sent: list[int] = []
    app = FastAPI()

    @app.get("/")
    async def parts() -> StreamingResponse:
        async def made() -> AsyncIterator[bytes]:
            for number in range(4):
                sent.append(number)
                yield b"x" * (BUFFER // 2 + 1)

        return StreamingResponse(made())

    async with serve(app, in_process=True) as lab, lab.stream("GET", "/") as answer:
        await asyncio.sleep(0.02)
        # The third waits for room, and the fourth is not made before.
        assert sent == [0, 1, 2]
        assert lab.last.response_sent is None
        assert len(await answer.aread()) == 4 * (BUFFER // 2 + 1)
    assert lab.last.response_sent is not None


async def test_an_app_that_fails_answers_500_and_one_that_breaks_off_is_noticed() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("no lifespan")
        if scope["path"] == "/half":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"ha", "more_body": True})
        if scope["path"] != "/nothing":
            raise ValueError("spilled")

    async with serve(app, in_process=True, quiet=True) as lab:
        assert (await lab.get("/")).status_code == 500
        assert (await lab.get("/nothing")).status_code == 500
        with pytest.raises(httpx.RemoteProtocolError, match="the answer broke off"):
            await lab.get("/half")
    first, second, third = lab.log
    assert first == third == "Exception in ASGI application: ValueError: spilled"
    assert second == "the app returned before its answer was complete"


async def test_messages_out_of_order_are_refused() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.body", "body": b"early"})

    async with serve(app, in_process=True, quiet=True) as lab:
        assert (await lab.get("/")).status_code == 500
    assert "the app sent 'http.response.body' in place of 'http.response.start'" in lab.log[0]


async def test_the_app_reads_what_is_uploaded_and_learns_who_left() -> None:
    heard: list[object] = []
    app = FastAPI()

    @app.post("/")
    async def upload(request: Request) -> int:
        return len(await request.body())

    @app.get("/slow")
    async def slow(request: Request) -> None:
        await request.body()
        heard.append(await request.receive())

    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"three"

    async with serve(app, in_process=True) as lab:
        assert (await lab.post("/", content=parts())).json() == 8
        assert (await lab.request("HEAD", "/")).content == b""
        with pytest.raises(httpx.ReadTimeout, match=r"no answer within 0\.02 s"):
            await lab.get("/slow", timeout=0.02)
        await lab.settled()
    assert heard == [{"type": "http.disconnect"}]


async def test_the_lifespan_surrounds_the_requests_and_tasks_end_before_it() -> None:
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        log.append("up")
        yield {"from": "the lifespan"}
        log.append("down")

    app = FastAPI(lifespan=lifespan)
    add_tasks(app)

    async def work() -> None:
        await asyncio.sleep(0.02)
        log.append("task")

    @app.get("/")
    async def endpoint(request: Request, tasks: Tasks) -> str:
        tasks.after_response.schedule(work)
        return str(request.state.__getattr__("from"))

    lab = await start(app, in_process=True)
    assert (await lab.get("/")).json() == "the lifespan"
    await lab.stop()
    await lab.stop()
    assert log == ["up", "task", "down"]


async def test_an_open_request_may_end_when_the_lab_stops() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> str:
        await asyncio.sleep(0.05)
        return "done"

    lab = await start(app, in_process=True)
    async with anyio.create_task_group() as group:

        async def ask() -> None:
            answers.append((await lab.get("/")).json())

        answers: list[str] = []
        group.start_soon(ask)
        await asyncio.sleep(0.01)
        await lab._host.stop_beside()
    assert answers == ["done"]
    with pytest.raises(httpx.ConnectError, match="the lab has stopped"):
        await lab._host.transport.handle_async_request(httpx.Request("GET", "http://in-process/"))  # type: ignore[union-attr]


async def test_an_app_that_does_not_start_says_why() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        raise ValueError("no tea left")
        yield

    with pytest.raises(LabError, match=r"the app did not start \(ValueError: no tea left\)"):
        await start(FastAPI(lifespan=lifespan), in_process=True)


async def test_a_block_that_holds_the_loop_is_refused() -> None:
    with pytest.raises(LabError, match="write `async with serve"):
        serve(shop(), in_process=True).__enter__()


def test_on_trio_it_says_that_it_needs_asyncio() -> None:
    async def main() -> None:
        with pytest.raises(LabError, match="on asyncio alone"):
            await start(shop(), in_process=True)

    anyio.run(main, backend="trio")


async def test_the_same_work_in_every_way_can_be_compared_in_process() -> None:
    async def nap() -> None:
        await asyncio.sleep(0.005)

    found = await compare_modes_async(nap, in_process=True)
    assert list(found) == list(WAYS)
    assert [len(found[way].tasks) for way in WAYS] == [0, 1, 1, 1, 1]
    with pytest.raises(ValueError, match="give a number from 0"):
        await compare_modes_async(nap, times=-1, in_process=True)


# As in a browser -------------------------------------------------------------------------------


@pytest.mark.usefixtures("in_browser")
async def test_in_a_browser_the_app_is_called_in_process_unasked() -> None:
    async with serve(shop()) as lab:
        timeline = await lab.timeline(await lab.post("/orders/Assam"))
    assert timeline.tasks[0].outcome == "ok"
    assert lab.url == "http://in-process"


@pytest.mark.usefixtures("in_browser")
async def test_what_needs_a_thread_says_so_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    app = FastAPI()
    add_tasks(app)

    def pack() -> None:
        raise AssertionError("never called")

    @app.get("/task")
    async def with_task(tasks: Tasks) -> None:
        tasks.after_response.schedule(pack)

    @app.get("/endpoint")
    def endpoint() -> None:
        raise AssertionError("never called")

    async with serve(app) as lab:
        answer = await lab.get("/task")
        with pytest.raises(NotInBrowserError, match="needs a thread"):
            await lab.timeline(answer)
        with pytest.raises(NotInBrowserError, match="needs a thread") as refused:
            await lab.get("/endpoint")
        await lab.settled()  # it was said once
    (line,) = refused.value._render_traceback_()
    assert line.startswith("NotInBrowserError: this needs a thread, which Python does not have in")
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("in_browser")
async def test_watched_tasks_keep_their_names_and_contexts() -> None:
    app = FastAPI()
    add_tasks(app, watch=True)
    place: ContextVar[str] = ContextVar("place", default="the app")
    found: list[str] = []

    async def pour() -> None:
        await asyncio.sleep(0.01)
        task = asyncio.current_task()
        assert task is not None
        found.extend([place.get(), task.get_name()])

    @app.get("/")
    async def endpoint() -> None:
        await asyncio.create_task(pour(), name="pouring")

    async with serve(app) as lab:
        place.set("the client")
        await lab.timeline(await lab.get("/"))
    assert found == ["the app", "pouring"]
    assert [task.mode for task in lab.last.tasks] == ["spawned"]


@pytest.mark.usefixtures("in_browser")
async def test_other_errors_are_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    browser.adapt()
    logger = logging.getLogger("fastapi_tasks")
    logger.warning("plain")
    logger.warning("with %s", ValueError("its own"))
    assert caplog.messages == ["plain", "with its own"]


def test_the_clock_in_a_browser_keeps_the_order_of_what_comes_within_one_of_its_steps() -> None:
    steps = iter([0, 100, 100, 100, 200, 201])
    clock = browser.ordered(lambda: next(steps))
    assert [clock() for _ in range(6)] == [1, 100, 101, 102, 200, 201]
