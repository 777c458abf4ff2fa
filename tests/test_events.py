"""Every kind of endpoint, in every mode, on every backend: the whole list of events."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import anyio
import pytest
from fastapi import FastAPI, HTTPException, WebSocket
from fastapi.responses import StreamingResponse

from fastapi_tasks import Event, Recorder, Tasks
from fastapi_tasks.timeline import SCHEDULED_MODES

from .asgi import serving

pytestmark = pytest.mark.anyio

HAS_EVENTS = find_spec("fastapi.sse") is not None


@dataclass(frozen=True)
class Case:
    """An endpoint, and at which second each of its moments comes; None means never."""

    endpoint_start: int | None
    endpoint_end: int | None
    response_start: int | None
    response_sent: int | None
    request_end: int
    status: int | None
    error: str | None = None
    scheduled: int | None = 0
    pace: int = 1

    def events(self, mode: str) -> list[tuple[str, int]]:
        """Tell what must happen, and at which second."""
        marks = [
            ("request_start", 0),
            ("endpoint_start", self.endpoint_start),
            ("requested", self.scheduled),
            ("endpoint_end", self.endpoint_end),
            ("response_start", self.response_start),
            ("response_sent", self.response_sent),
            ("request_end", self.request_end),
            *self.task(mode),
        ]
        return [(kind, at) for kind, at in marks if at is not None]

    def task(self, mode: str) -> list[tuple[str, int | None]]:
        if self.scheduled is None:
            return []
        discarded = self.error is not None and mode != "immediate"
        if discarded:
            return [("finished", self.endpoint_end)]
        released = {
            "immediate": self.scheduled,
            "after_route": self.route_passes(),
            "after_response": self.response_passes(),
        }[mode]
        return [
            ("released", released),
            ("started", released),
            ("finished", released + 10 * self.pace),
        ]

    def route_passes(self) -> int:
        return self.response_start if self.response_start is not None else self.request_end

    def response_passes(self) -> int:
        return self.response_sent if self.response_sent is not None else self.request_end


# Every endpoint schedules at second 0, then takes 1 s; the server's send takes 1 s a message;
# the task takes 10 s. Virtual time does not wait for threads: there, nothing takes any time.
CASES = {
    "async": Case(0, 1, 1, 3, 3, 200),
    "def": Case(0, 0, 0, 0, 0, 200, pace=0),
    "streaming": Case(0, 1, 1, 5, 5, 200),
    "sse": Case(0, 0, 0, 3, 3, 200),
    "http_exception": Case(0, 1, 1, 3, 3, 404, "HTTPException"),
    "raising": Case(0, 1, 1, 3, 3, 500, "ValueError"),
    # The endpoint never begins.
    "validation": Case(None, None, 0, 2, 2, 422, scheduled=None),
}


async def job(seconds: float = 10) -> None:
    await anyio.sleep(seconds)


def scheduler(tasks: Any, mode: str) -> Any:
    return tasks if mode == "immediate" else getattr(tasks, mode)


def add_endpoints(app: FastAPI, mode: str) -> None:
    @app.get("/async")
    async def plain(tasks: Tasks) -> None:
        scheduler(tasks, mode).schedule(job)
        await anyio.sleep(1)

    @app.get("/def")
    def in_thread(tasks: Tasks) -> None:
        scheduler(tasks, mode).schedule(job, 0)

    @app.get("/streaming")
    async def streaming(tasks: Tasks) -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            await anyio.sleep(1)
            yield b"x"

        scheduler(tasks, mode).schedule(job)
        await anyio.sleep(1)
        return StreamingResponse(body())

    if HAS_EVENTS:
        from fastapi.sse import EventSourceResponse

        @app.get("/sse", response_class=EventSourceResponse)
        async def events(tasks: Tasks) -> AsyncIterator[dict[str, int]]:
            scheduler(tasks, mode).schedule(job)
            await anyio.sleep(1)
            yield {"n": 1}

    @app.get("/http_exception")
    async def http_exception(tasks: Tasks) -> None:
        scheduler(tasks, mode).schedule(job)
        await anyio.sleep(1)
        raise HTTPException(404)

    @app.get("/raising")
    async def raising(tasks: Tasks) -> None:
        scheduler(tasks, mode).schedule(job)
        await anyio.sleep(1)
        raise ValueError

    @app.get("/validation")
    async def validation(tasks: Tasks, number: int) -> None:
        scheduler(tasks, mode).schedule(job)

    @app.websocket("/websocket")
    async def websocket(socket: WebSocket, tasks: Tasks) -> None:
        await socket.accept()
        scheduler(tasks, mode).schedule(job)
        await anyio.sleep(1)
        await socket.close()


async def one_second(message: Any) -> None:
    await anyio.sleep(1)


@pytest.mark.parametrize("mode", SCHEDULED_MODES)
@pytest.mark.parametrize("kind", CASES)
async def test_http(
    make_app: Callable[..., FastAPI], recorder: Recorder, kind: str, mode: str
) -> None:
    if kind == "sse" and not HAS_EVENTS:
        pytest.skip("this FastAPI has no server-sent events")
    case = CASES[kind]
    app = make_app()
    add_endpoints(app, mode)
    events: list[Event] = []

    async def on_send(message: Any) -> None:
        await anyio.sleep(case.pace)

    async with serving(app) as server:
        recorder.subscribe(events.append)
        answer = await server.get(f"/{kind}", on_send=on_send)
        await recorder.settled()
    timeline = recorder.last
    assert timeline is not None
    assert (answer.status, timeline.status, timeline.error) == (
        case.status,
        case.status,
        case.error,
    )
    assert timeline.settled
    assert happened(events) == sorted_events(case.events(mode))
    assert [(t.name, t.mode) for t in timeline.tasks] == (
        [] if case.scheduled is None else [("job", mode)]
    )


@pytest.mark.parametrize("mode", SCHEDULED_MODES)
async def test_websocket(make_app: Callable[..., FastAPI], recorder: Recorder, mode: str) -> None:
    app = make_app()
    add_endpoints(app, mode)
    events: list[Event] = []
    async with serving(app) as server:
        recorder.subscribe(events.append)
        await server.websocket("/websocket", [], on_send=one_second)
        await recorder.settled()
    # Accepted at 0, which takes 1 s to send; closed after 1 s more, which takes another.
    released = 1 if mode == "immediate" else 3
    assert happened(events) == sorted_events(
        [
            ("request_start", 0),
            ("endpoint_start", 0),
            ("response_start", 0),
            ("requested", 1),
            ("response_sent", 3),
            ("endpoint_end", 3),
            ("request_end", 3),
            ("released", released),
            ("started", released),
            ("finished", released + 10),
        ]
    )


def happened(events: list[Event]) -> list[tuple[int, str]]:
    """Tell when what happened, by the records' own times, in whole seconds."""
    seen = []
    for event in events:
        record: Any = event.task if event.task is not None else event.timeline
        at = getattr(record, event.kind)
        assert at % 1_000_000_000 == 0
        seen.append((at // 1_000_000_000, event.kind))
    return sorted(seen)


def sorted_events(events: list[tuple[str, int]]) -> list[tuple[int, str]]:
    return sorted((at, kind) for kind, at in events)


async def test_events_come_in_the_order_in_which_things_happen(
    make_app: Callable[..., FastAPI], recorder: Recorder
) -> None:
    app = make_app()
    add_endpoints(app, "after_route")
    kinds: list[str] = []
    async with serving(app) as server:
        stop = recorder.subscribe(lambda event: kinds.append(event.kind))
        await server.settle("/async", on_send=one_second)
        stop()
        await server.settle("/async")
    assert kinds == [
        "request_start",
        "endpoint_start",
        "requested",
        "endpoint_end",
        "released",
        "response_start",
        "started",
        "response_sent",
        "request_end",
        "finished",
    ]


@pytest.mark.parametrize("error", [ValueError("x"), asyncio.CancelledError(), SystemExit(1)])
async def test_a_subscriber_that_raises_is_logged_and_dropped(
    make_app: Callable[..., FastAPI],
    recorder: Recorder,
    caplog: pytest.LogCaptureFixture,
    error: BaseException,
) -> None:
    app = make_app()
    add_endpoints(app, "immediate")
    seen: list[Event] = []

    def fails(event: Event) -> None:
        raise error

    async with serving(app) as server:
        recorder.subscribe(fails)
        recorder.subscribe(seen.append)
        assert (await server.get("/async")).status == 200
        await recorder.settled()
    assert len(seen) == 10
    assert [r.getMessage() for r in caplog.records] == [
        "a subscriber of the recorder failed and is dropped"
    ]
