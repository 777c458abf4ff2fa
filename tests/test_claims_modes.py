"""What the tutorial says about timing control, claims 1 to 6: when each mode starts."""

from __future__ import annotations

import anyio
import pytest

from fastapi_tasks import Busy, Mode, Recorder, Tasks

from .asgi import serving
from .tutorial import MakeApp, all_modes, last, marks, of_mode, slow_send, times
from .virtual import block, now

pytestmark = pytest.mark.anyio


# All background tasks are fire-and-forget ------------------------------------------------------


@all_modes
@pytest.mark.parametrize("seconds", [0.001, 1, 3600])
async def test_claim_1_the_response_waits_for_no_task(
    make_app: MakeApp, recorder: Recorder, mode: Mode, seconds: float
) -> None:
    app = make_app(tasks={"grace_period": 4000, "shutdown_timeout": 4000})

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        of_mode(tasks, mode).schedule(anyio.sleep, seconds)

    async with serving(app) as server:
        await server.get("/")
        assert now() == 0
        await recorder.settled()
    assert marks(last(recorder)) == (0, 0, 0)
    assert times(last(recorder).tasks[0]) == (0, 0, 0, seconds * 1000)


async def test_claim_1_but_a_task_that_blocks_the_loop_holds_everything_up(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()

    async def crunch() -> None:
        block(0.5)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.schedule(crunch)
        await anyio.sleep(0.01)

    async with serving(app) as server:
        await server.settle("/")
    assert marks(last(recorder)) == (500, 500, 500)
    assert last(recorder).busy == [Busy(0, 500_000_000, "crunch", task=0)]


@all_modes
async def test_claim_2_the_response_is_sent_once_tasks_are_scheduled_not_when_they_are_done(
    make_app: MakeApp, recorder: Recorder, mode: Mode
) -> None:
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        await anyio.sleep(0.01)
        of_mode(tasks, mode).schedule(anyio.sleep, 1)

    async with serving(app) as server:
        await server.settle("/")
    assert marks(last(recorder)) == (10, 10, 10)
    assert times(last(recorder).tasks[0]) == (10, 10, 10, 1010)


@all_modes
async def test_claim_3_tasks_run_concurrently(
    make_app: MakeApp, recorder: Recorder, mode: Mode
) -> None:
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        for _ in range(3):
            of_mode(tasks, mode).schedule(anyio.sleep, 1)

    async with serving(app) as server:
        await server.settle("/")
    assert [times(task) for task in last(recorder).tasks] == [(0, 0, 0, 1000)] * 3


# Quick recap -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("awaits", "started"), [(True, 0), (False, 30)])
async def test_claim_4_an_immediate_task_starts_at_the_endpoints_next_await_or_when_it_is_done(
    make_app: MakeApp, recorder: Recorder, awaits: bool, started: float
) -> None:
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.schedule(anyio.sleep, 0.1)
        if awaits:
            await anyio.sleep(0.03)
        else:
            block(0.03)

    async with serving(app) as server:
        await server.settle("/")
    assert marks(last(recorder)) == (30, 30, 30)
    assert times(last(recorder).tasks[0]) == (0, 0, started, started + 100)


async def test_claim_5_after_route_is_released_after_the_endpoint_and_before_the_response(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()
    events: list[str] = []

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.after_route.schedule(anyio.sleep, 0.1)

    async with serving(app) as server:
        recorder.subscribe(lambda event: events.append(event.kind))
        await server.settle("/")
    # It takes its first step just after, when the loop is free: this server's send never waits.
    assert events == [
        *("request_start", "endpoint_start", "requested", "endpoint_end"),
        *("released", "response_start", "response_sent", "request_end"),
        *("started", "finished"),
    ]


async def test_claim_6_after_response_runs_after_the_servers_send_returned(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.after_response.schedule(anyio.sleep, 0.1)

    async with serving(app) as server:
        await server.settle("/", on_send=slow_send)
    assert marks(last(recorder)) == (0, 0, 40)
    assert times(last(recorder).tasks[0]) == (0, 40, 40, 140)
