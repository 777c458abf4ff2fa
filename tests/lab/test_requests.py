"""The lab: real requests, and a client's view that belongs to the right timeline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from fastapi_tasks import ClientView, TaskRecord, Tasks, Timeline, add_tasks
from visualize.lab import Lab, LabError, serve
from visualize.lab.bench import settling

from .shop import shop

pytestmark = pytest.mark.anyio


def in_order(timeline: Timeline) -> bool:
    view = timeline.client
    assert view is not None
    assert view.answered is not None
    assert view.received is not None
    assert timeline.response_start is not None
    return (
        view.sent < timeline.request_start < timeline.response_start < view.answered
        and view.answered <= view.received
    )


# One view, one timeline ----------------------------------------------------------------------


async def test_each_of_many_concurrent_requests_gets_its_own_view() -> None:
    answers: dict[int, httpx.Response] = {}

    async def ask(lab: Lab, number: int) -> None:
        answers[number] = await lab.get(f"/items/{number}")

    async with serve(shop()) as lab:
        async with anyio.create_task_group() as group:
            for number in range(40):
                group.start_soon(ask, lab, number)
        timelines = {n: await lab.timeline(answer) for n, answer in answers.items()}
        assert {n: t.path for n, t in timelines.items()} == {n: f"/items/{n}" for n in range(40)}
        assert all(in_order(timeline) for timeline in timelines.values())
        assert {t.id for t in lab.timelines} == {t.id for t in timelines.values()}
        views = [id(timeline.client) for timeline in lab.timelines]
        assert len(set(views)) == 40


def test_a_script_works_without_async() -> None:
    with serve(shop()) as lab:
        response = lab.get("/items/3")
        timeline = lab.timeline(response)
        assert response.json() == {"number": 3}
        assert lab.last is timeline
        assert in_order(timeline)
        assert [task.outcome for task in timeline.tasks] == ["ok"]


async def test_a_server_that_is_held_up_does_not_hold_up_the_client() -> None:
    app = FastAPI()
    add_tasks(app)

    async def rude() -> None:
        time.sleep(0.2)  # noqa: ASYNC251

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.after_response.schedule(rude)

    async with serve(app) as lab:
        timeline = await lab.timeline(await lab.get("/"))
    assert timeline.client is not None
    assert timeline.client.received is not None
    assert timeline.client.received < timeline.busy[0].end


async def test_the_app_does_not_see_what_joins_the_two() -> None:
    app = FastAPI()

    @app.get("/")
    async def headers(request: Request) -> list[str]:
        return sorted(request.headers)

    async with serve(app) as lab:
        seen = (await lab.get("/")).json()
    assert seen == ["accept", "accept-encoding", "connection", "host", "user-agent"]


def streaming() -> tuple[FastAPI, asyncio.Event]:
    app = FastAPI()
    add_tasks(app)
    go_on = asyncio.Event()

    @app.get("/")
    async def endpoint() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"one"
            await go_on.wait()
            yield b"two"

        return StreamingResponse(body())

    @app.post("/go-on")
    async def release() -> None:
        go_on.set()

    return app, go_on


async def test_a_stream_is_received_when_its_last_byte_is() -> None:
    app, _ = streaming()
    async with serve(app) as lab:
        async with lab.stream("GET", "/") as response:
            parts = response.aiter_bytes()
            assert await anext(parts) == b"one"
            view = lab.timelines[0].client
            assert view is not None
            assert view.answered is not None
            assert view.received is None
            await lab.post("/go-on")
            assert [part async for part in parts] == [b"two"]
        await lab.settled()
        assert view.received is not None
        assert view.received > view.answered


async def test_a_stream_that_is_left_early_is_never_received() -> None:
    app, _ = streaming()
    async with serve(app) as lab:
        async with lab.stream("GET", "/"):
            pass
        await lab.settled()
        timeline = lab.last
        assert timeline.client is not None
        assert timeline.client.answered is not None
        assert timeline.client.received is None


async def test_an_answer_that_never_comes_leaves_a_view_without_it() -> None:
    app, go_on = streaming()

    @app.get("/silence")
    async def silence() -> None:
        await go_on.wait()

    async with serve(app) as lab:
        with pytest.raises(httpx.ReadTimeout):
            await lab.get("/silence", timeout=0.2)
        view = lab.last.client
        assert view is not None
        assert view == ClientView(view.sent)
        await lab.post("/go-on")


async def test_a_request_of_another_client_has_no_view() -> None:
    async with serve(shop()) as lab:
        async with httpx.AsyncClient(trust_env=False) as stranger:
            response = await stranger.get(f"{lab.url}/items/1")
        await lab.settled()
        assert lab.last.client is None
        with pytest.raises(LabError) as caught:
            await lab.timeline(response)
        assert str(caught.value) == (
            f"the answer to GET {lab.url}/items/1 has no timeline: send the request with the "
            "lab's own client, lab.get(…) or lab.client"
        )


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with serve(shop()) as lab:
        assert (await lab.get("/items/1")).status_code == 200


async def test_warming_up_leaves_no_trace() -> None:
    async with serve(shop()) as lab:
        await lab.warm_up("GET", "/items/1")
        timeline = await lab.timeline(await lab.get("/items/2"))
        assert lab.timelines == [timeline]
        assert timeline.id == 1


# Which apps ----------------------------------------------------------------------------------


async def test_an_app_without_tasks_is_recorded_all_the_same() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> None:
        raise HTTPException(418)

    async with serve(app) as lab:
        timeline = await lab.timeline(await lab.get("/"))
    assert (timeline.status, timeline.tasks) == (418, [])
    assert in_order(timeline)
    assert not hasattr(app.state, "tasks_recorder")


async def test_a_plain_asgi_app_is_recorded() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with serve(app) as lab:
        timeline = await lab.timeline(await lab.delete("/thing"))
    assert (timeline.title, timeline.status) == ("DELETE /thing #1", 204)


async def test_the_recorder_of_an_app_inside_of_another_is_found() -> None:
    inner = shop()

    class Around:
        def __init__(self) -> None:
            self.app = inner

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

    async with serve(Around()) as lab:
        await lab.get("/items/1")
        assert lab.recorder is inner.state.tasks_recorder


def test_what_is_no_app_is_refused() -> None:
    with pytest.raises(TypeError) as caught:
        serve("shop:app")  # type: ignore[arg-type]
    assert str(caught.value) == (
        "the lab got an object of type str, which is no ASGI app: pass the FastAPI app itself"
    )


# Words ---------------------------------------------------------------------------------------


async def test_a_quiet_lab_keeps_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    app = FastAPI()
    add_tasks(app)

    async def fail() -> None:
        raise ConnectionError("nobody there")

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.after_response.schedule(fail)

    async with serve(app, quiet=True) as lab:
        timeline = await lab.timeline(await lab.get("/"))
    (line,) = lab.log
    ran = (timeline.tasks[0].ran or 0) / 1e6
    assert line == (
        f"task fail (after_response, GET / #1) failed after {ran:.1f} ms: "
        "ConnectionError: nobody there"
    )
    assert capfd.readouterr() == ("", "")


async def test_a_task_that_does_not_end_is_named() -> None:
    app = FastAPI()
    add_tasks(app, grace_period=0)

    async def endless() -> None:
        await anyio.sleep_forever()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.schedule(endless)

    async with serve(app, quiet=True) as lab:
        response = await lab.get("/")
        with pytest.raises(TimeoutError, match=r"^still open after 0.05 s: endless$"):
            await lab.timeline(response, timeout=0.05)
    assert lab.last.tasks[0].outcome == "cancelled"


class Counted(list[TaskRecord]):
    """A list that counts how often one of its items is looked at."""

    looks = 0

    def __getitem__(self, at: Any) -> Any:
        self.looks += 1
        return super().__getitem__(at)

    def __iter__(self) -> Iterator[TaskRecord]:
        for at in range(len(self)):
            yield self[at]


def test_waiting_for_many_tasks_does_not_look_at_all_of_them_at_each_end() -> None:
    tasks = Counted(TaskRecord(f"task {n}", "immediate", n) for n in range(1000))
    timeline = Timeline(1, "http", "GET", "/", wall=0, request_start=0, tasks=tasks)
    settled = settling(timeline)
    for task in list.__iter__(tasks):
        assert not settled()
        task.outcome = "ok"
    assert not settled()
    timeline.request_end = 5
    assert settled()
    tasks.append(TaskRecord("late", "immediate", 9))
    assert not settled()
    assert tasks.looks < 3 * len(tasks)


def test_an_unused_lab_has_no_last_timeline() -> None:
    with serve(shop()) as lab:
        assert repr(lab) == f"<SyncLab {lab.url}: 0 requests>"
        with pytest.raises(LabError) as caught:
            _ = lab.last
    assert str(caught.value) == 'no request is recorded yet: send one first, such as lab.get("/")'
