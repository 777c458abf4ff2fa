"""What the tutorial says about timing control, claims 12 to 16: tasks after the response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import anyio
import pytest
from fastapi import BackgroundTasks

from fastapi_tasks import Recorder, Tasks

from .asgi import serving
from .tutorial import MakeApp, last, marks, ms, of_mode, slow_send, times
from .virtual import now

pytestmark = pytest.mark.anyio


# Using after-response tasks --------------------------------------------------------------------


Way = Literal["inline", "BackgroundTasks", "immediate", "after_route", "after_response"]


@pytest.mark.parametrize(
    ("way", "sent", "request_over"),
    [
        ("inline", 1000, 1000),
        ("BackgroundTasks", 0, 1000),
        ("immediate", 0, 0),
        ("after_route", 0, 0),
        ("after_response", 0, 0),
    ],
)
async def test_claim_13_the_response_is_fastest_in_the_three_modes_which_hardly_differ(
    make_app: MakeApp, recorder: Recorder, way: Way, sent: float, request_over: float
) -> None:
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks, background: BackgroundTasks) -> None:
        if way == "inline":
            await anyio.sleep(1)
        elif way == "BackgroundTasks":
            background.add_task(anyio.sleep, 1)
        else:
            of_mode(tasks, way).schedule(anyio.sleep, 1)

    async with serving(app) as server:
        await server.settle("/")
    timeline = last(recorder)
    assert ms(timeline.response_sent, timeline.request_end) == (sent, request_over)
    assert now() == 1_000_000_000


async def unreachable() -> None:
    await anyio.sleep(0.5)
    raise ConnectionError


@pytest.mark.parametrize(
    ("kind", "work", "outcome"),
    [
        ("notification", lambda: anyio.sleep(0.3), "ok"),
        ("external API", unreachable, "error"),
        ("analytics", lambda: anyio.sleep(0.01), "ok"),
        ("non-critical", lambda: anyio.sleep(5), "cancelled"),
    ],
)
async def test_claim_14_after_response_suits_what_the_response_does_not_depend_on(
    make_app: MakeApp,
    recorder: Recorder,
    kind: str,
    work: Callable[[], Awaitable[None]],
    outcome: str,
) -> None:
    app = make_app(tasks={"grace_period": 1})

    async def task() -> None:
        await work()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> str:
        tasks.after_response.task(name=kind).schedule(task)
        return "the same in each case"

    async with serving(app) as server:
        answer = await server.get("/")
    assert (answer.status, answer.body) == (200, b'"the same in each case"')
    assert marks(last(recorder)) == (0, 0, 0)
    assert [(task.name, task.outcome) for task in last(recorder).tasks] == [(kind, outcome)]


async def test_claim_15_three_tasks_follow_an_order_that_the_client_gets_at_once(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()
    done: list[Any] = []

    async def confirm(*, to: str, order: int) -> None:
        await anyio.sleep(0.3)
        done.append(("confirmed", to, order))

    async def pack(*, order: int, seeds: list[str]) -> None:
        await anyio.sleep(0.2)
        done.append(("packed", order, seeds))

    async def measure(event: str, *, order: int, cents: int) -> None:
        await anyio.sleep(0.1)
        done.append((event, order, cents))

    @app.post("/orders")
    async def order_seeds(to: str, tasks: Tasks) -> dict[str, Any]:
        seeds = ["basil", "sage"]
        later = tasks.after_response
        later.schedule(confirm, to=to, order=1)
        later.schedule(pack, order=1, seeds=seeds)
        later.schedule(measure, "ordered", order=1, cents=250 * len(seeds))
        return {"order": 1, "cents": 500}

    async with serving(app) as server:
        answer = await server.request("POST", "/orders?to=ada", on_send=slow_send)
        assert done == []
        await recorder.settled()
    assert answer.body == b'{"order":1,"cents":500}'
    assert marks(last(recorder)) == (0, 0, 40)
    assert [(task.name, *times(task)) for task in last(recorder).tasks] == [
        ("confirm", 0, 40, 40, 340),
        ("pack", 0, 40, 40, 240),
        ("measure", 0, 40, 40, 140),
    ]
    assert done == [
        ("ordered", 1, 500),
        ("packed", 1, ["basil", "sage"]),
        ("confirmed", "ada", 1),
    ]


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("tasks", [("post", 0, 100), ("letter", 0, 100), ("count", 0, 100)]),
        ("BackgroundTasks", [("post", 0, 100), ("letter", 100, 200), ("count", 200, 300)]),
    ],
)
async def test_claim_16_after_response_tasks_start_in_order_and_run_together(
    make_app: MakeApp, recorder: Recorder, way: str, expected: list[tuple[str, float, float]]
) -> None:
    app = make_app()
    order: list[str] = []
    ran: dict[str, tuple[str, float, float]] = {}

    async def step(name: str) -> None:
        order.append(name)
        start = now() / 1e6
        await anyio.sleep(0.1)
        ran[name] = (name, start, now() / 1e6)

    @app.post("/episodes/5")
    async def release(tasks: Tasks, background: BackgroundTasks) -> None:
        for name in ("post", "letter", "count"):
            if way == "tasks":
                tasks.after_response.schedule(step, name)
            else:
                background.add_task(step, name)

    async with serving(app) as server:
        await server.settle("/episodes/5", method="POST")
    assert [ran[name] for name in order] == expected
