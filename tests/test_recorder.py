"""What the recorder keeps, forgets and tells."""

import json
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI

from fastapi_tasks import (
    Recorder,
    Tasks,
    Timeline,
    add_tasks,
    from_json,
    to_json,
)

from .asgi import serving
from .conftest import WALL
from .virtual import now

MakeApp = Callable[..., FastAPI]


@pytest.mark.anyio
class TestRecorder:
    async def test_takes_its_clocks_from_its_parameters(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/items/{number}")
        async def endpoint(number: int, tasks: Tasks) -> None:
            tasks.after_response.schedule(anyio.sleep, 2)
            await anyio.sleep(1)

        async with serving(app) as server:
            await anyio.sleep(10)
            await server.settle("/items/3?secret=1")
        assert from_json(to_json(recorder.timelines)) == recorder.timelines
        assert json.loads(to_json(recorder.timelines)) == {
            "format": 1,
            "id": 1,
            "kind": "http",
            "method": "GET",
            "path": "/items/3",
            "route": "/items/{number}",
            "process": recorder.timelines[0].process,
            "wall": WALL + 10_000_000_000,
            "request_start": 10_000_000_000,
            "endpoint_start": 10_000_000_000,
            "endpoint_end": 11_000_000_000,
            "response_start": 11_000_000_000,
            "response_sent": 11_000_000_000,
            "request_end": 11_000_000_000,
            "status": 200,
            "tasks": [
                {
                    "name": "sleep",
                    "mode": "after_response",
                    "requested": 10_000_000_000,
                    "released": 11_000_000_000,
                    "started": 11_000_000_000,
                    "finished": 13_000_000_000,
                    "outcome": "ok",
                    "id": 0,
                }
            ],
        }

    async def test_records_requests_without_tasks_too(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/")
        async def endpoint() -> None:
            await anyio.sleep(1)

        async with serving(app) as server:
            await server.get("/")
            await server.get("/nowhere")
        first, second = recorder.timelines
        assert (first.response_sent, first.endpoint_end, first.status) == (1_000_000_000, None, 200)
        assert (second.path, second.route, second.status) == ("/nowhere", None, 404)

    async def test_can_be_switched_off_and_on(self, make_app: MakeApp, recorder: Recorder) -> None:
        app = make_app()
        ran = []

        async def task() -> None:
            ran.append(now())

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            for scheduler in (tasks, tasks.after_route, tasks.after_response):
                scheduler.schedule(task)

        async with serving(app) as server:
            events: list[Any] = []
            recorder.subscribe(events.append)
            recorder.enabled = False
            await server.get("/")
            await recorder.settled()
            assert (recorder.timelines, events, len(ran)) == ([], [], 3)
            assert repr(recorder) == "<Recorder: 0 requests, 0 dropped, off>"
            recorder.enabled = True
            await server.settle("/")
        assert [t.title for t in recorder.timelines] == ["GET / #1"]
        assert len(ran) == 6

    async def test_shows_a_request_while_it_is_open(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        seen: list[str] = []

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            assert recorder.last is not None
            assert not recorder.last.settled
            seen.append(repr(recorder.last))

        async with serving(app) as server:
            await server.get("/")
        assert seen == ["<Timeline GET / #1: open, 0 tasks>"]

    async def test_a_timeline_once_seen_is_kept_up_to_date(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        seen: list[Timeline] = []
        marks: list[list[str]] = []
        names = ("endpoint_start", "endpoint_end", "response_start", "response_sent", "request_end")

        def look() -> None:
            assert recorder.last is seen[0]
            assert recorder.timelines == seen
            timeline = seen[0]
            marks.append([name for name in names if getattr(timeline, name) is not None])

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            assert recorder.last is not None
            seen.append(recorder.last)
            look()
            tasks.after_response.schedule(anyio.sleep, 1)
            assert [task.name for task in seen[0].tasks] == ["sleep"]

        async def on_send(message: Any) -> None:
            look()

        async with serving(app) as server:
            await server.get("/", on_send=on_send)
            look()
            await recorder.settled()
        assert marks == [list(names[:1]), *[list(names[:3])] * 2, list(names)]
        assert seen[0].settled

    async def test_a_subscriber_that_comes_late_hears_the_rest(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        kinds: list[str] = []

        @app.get("/")
        async def endpoint(tasks: Tasks) -> None:
            recorder.subscribe(lambda event: kinds.append(event.kind))
            await anyio.sleep(1)

        async with serving(app) as server:
            await server.get("/")
        assert kinds == ["endpoint_end", "response_start", "response_sent", "request_end"]

    async def test_what_is_open_is_waited_for_though_it_is_not_kept(self) -> None:
        recorder = Recorder(maxlen=1, clock=now)
        app = FastAPI()
        add_tasks(app, recorder=recorder)

        @app.get("/{seconds}")
        async def endpoint(seconds: float) -> None:
            await anyio.sleep(seconds)

        async with serving(app) as server, anyio.create_task_group() as group:
            for seconds in (5, 4, 3):
                group.start_soon(server.get, f"/{seconds}")
                await anyio.wait_all_tasks_blocked()
            with pytest.raises(TimeoutError) as caught:
                await recorder.settled(timeout=1)
            assert str(caught.value) == ("still open after 1 s: GET /5 #1, GET /4 #2, GET /3 #3")
            assert recorder.dropped == 2
            await recorder.settled()
            assert now() == 5_000_000_000
            # So is one that is not recorded, though it takes no number.
            recorder.enabled = False
            group.start_soon(server.get, "/2")
            await anyio.wait_all_tasks_blocked()
            recorder.enabled = True
            with pytest.raises(TimeoutError) as caught:
                await recorder.settled(timeout=1)
            assert str(caught.value) == "still open after 1 s: GET /2 #0"
            await recorder.settled()
            assert now() == 7_000_000_000
            await server.get("/0")
            assert recorder.dropped == 3
        assert [timeline.title for timeline in recorder.timelines] == ["GET /0 #4"]

    async def test_a_request_that_a_task_makes_is_not_what_that_task_has_scheduled(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()

        @app.get("/inner")
        async def inner(tasks: Tasks) -> None:
            tasks.schedule(anyio.sleep, 0)

        async with serving(app) as server:

            @app.get("/outer")
            async def outer(tasks: Tasks) -> None:
                tasks.schedule(anyio.sleep, 0)
                tasks.task(name="asks").schedule(server.get, "/inner")

            await server.settle("/outer")
        parents = [[t.parent for t in one.tasks] for one in recorder.timelines]
        assert parents == [[None, None], [None]]

    async def test_a_message_sent_after_the_app_returned_is_refused(
        self, make_app: MakeApp, recorder: Recorder
    ) -> None:
        app = make_app()
        sends: list[Any] = []

        class Keeping:
            def __init__(self, app: Any) -> None:
                self.app = app

            async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
                sends.append(send)
                await self.app(scope, receive, send)

        app.add_middleware(Keeping)
        async with serving(app) as server:
            await server.get("/")
            with pytest.raises(RuntimeError, match="sent after the app had returned"):
                await sends[-1]({"type": "http.response.body", "body": b""})
