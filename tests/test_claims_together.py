"""What the tutorial says about timing control, claims 17 to 22: all modes together."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from fastapi_tasks import Event, Mode, Recorder, Tasks

from .asgi import serving
from .tutorial import MakeApp, all_modes, last, marks, ms, of_mode, slow_send, times

pytestmark = pytest.mark.anyio


# Combining all three timing modes --------------------------------------------------------------


async def test_claim_17_the_checkout_goes_through_eight_steps_in_order(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()
    steps: list[str] = []

    async def begin_payment() -> int:
        await anyio.sleep(0.01)
        steps.append("1 payment begun")
        return 77

    async def check_payment(payment: int) -> None:
        steps.append(f"2 checking payment {payment}")
        await anyio.sleep(0.05)

    async def place_order() -> int:
        await anyio.sleep(0.01)
        steps.append("3 order placed")
        return 5

    async def settle_order(order: int) -> None:
        await anyio.sleep(0.1)

    async def mail(order: int) -> None:
        steps.append(f"7 mail about order {order}")

    async def ship(order: int) -> None:
        steps.append(f"8 shipping order {order}")

    @app.post("/checkout")
    async def checkout(tasks: Tasks) -> dict[str, int]:
        payment = await begin_payment()
        tasks.schedule(check_payment, payment)
        order = await place_order()
        tasks.after_route.schedule(settle_order, order)
        tasks.after_response.schedule(mail, order)
        tasks.after_response.schedule(ship, order)
        return {"order": order, "payment": payment}

    def on_event(event: Event) -> None:
        if event.kind == "endpoint_end":
            steps.append("4 endpoint over")
        elif event.kind == "released" and event.task and event.task.name == "settle_order":
            steps.append("5 settling released")
        elif event.kind == "response_sent":
            steps.append("6 response sent")

    async with serving(app) as server:
        recorder.subscribe(on_event)
        answer = await server.request("POST", "/checkout", on_send=slow_send)
        await recorder.settled()
    assert answer.body == b'{"order":5,"payment":77}'
    assert steps == [
        "1 payment begun",
        "2 checking payment 77",
        "3 order placed",
        "4 endpoint over",
        "5 settling released",
        "6 response sent",
        "7 mail about order 5",
        "8 shipping order 5",
    ]
    assert marks(last(recorder)) == (20, 20, 60)
    assert [(task.name, *times(task)) for task in last(recorder).tasks] == [
        ("check_payment", 10, 10, 10, 60),
        ("settle_order", 20, 20, 20, 120),
        ("mail", 20, 60, 60, 60),
        ("ship", 20, 60, 60, 60),
    ]


async def test_claim_18_an_immediate_task_may_still_run_when_the_endpoint_goes_on(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> list[bool]:
        task = tasks.schedule(anyio.sleep, 0.1)
        await anyio.sleep(0.03)
        return [task.started.is_set(), task.outcome is not None]

    async with serving(app) as server:
        answer = await server.get("/")
        await recorder.settled()
    assert answer.body == b"[true,false]"
    assert marks(last(recorder)) == (30, 30, 30)
    assert times(last(recorder).tasks[0]) == (0, 0, 0, 100)


# Accessing the same scheduler ------------------------------------------------------------------


@all_modes
async def test_claim_19_with_and_without_settings_the_same_is_done(
    make_app: MakeApp, recorder: Recorder, mode: Mode
) -> None:
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        scheduler = of_mode(tasks, mode)
        scheduler.schedule(anyio.sleep, 0.1)
        scheduler.task(name="nap").schedule(anyio.sleep, 0.1)

    async with serving(app) as server:
        await server.settle("/", on_send=slow_send)
    plain, named = last(recorder).tasks
    assert (plain.name, plain.mode, plain.outcome) == ("sleep", mode, "ok")
    assert named == replace(plain, name="nap", id=1)


@all_modes
async def test_claim_20_a_scheduler_kept_in_a_variable_schedules_many_tasks(
    make_app: MakeApp, recorder: Recorder, mode: Mode
) -> None:
    app = make_app()
    ran: list[int] = []

    async def note(number: int) -> None:
        ran.append(number)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        scheduler = of_mode(tasks, mode)
        named = scheduler.task(name="note of a batch")
        for number in range(0, 10, 2):
            scheduler.schedule(note, number)
            named.schedule(note, number + 1)

    async with serving(app) as server:
        await server.settle("/")
    assert ran == list(range(10))
    assert [(task.name, task.mode) for task in last(recorder).tasks] == [
        ("note", mode),
        ("note of a batch", mode),
    ] * 5


# Choosing the right timing mode ----------------------------------------------------------------


def choose(*, shapes_answer: bool, before_answer: bool, early: bool) -> str:
    """Follow the decision guide."""
    if shapes_answer:
        return "inline"
    if before_answer:
        return "after_route"
    return "immediate" if early else "after_response"


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ((True, False, False), (110, 150, b'"counted"', None)),
        ((False, True, False), (10, 50, b'"not counted"', (10, 10))),
        ((False, False, True), (10, 50, b'"not counted"', (0, 0))),
        ((False, False, False), (10, 50, b'"not counted"', (50, 50))),
    ],
    ids=["shapes the answer", "before the answer", "as early as possible", "whenever"],
)
async def test_claim_22_the_guide_leads_to_the_timeline_that_was_asked_for(
    make_app: MakeApp,
    recorder: Recorder,
    needs: tuple[bool, bool, bool],
    expected: tuple[float, float, bytes, tuple[float, float] | None],
) -> None:
    app = make_app()
    shapes_answer, before_answer, early = needs
    way = choose(shapes_answer=shapes_answer, before_answer=before_answer, early=early)
    counted: list[bool] = []

    async def count() -> None:
        await anyio.sleep(0.1)
        counted.append(True)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> str:
        if way == "inline":
            await count()
        elif way == "immediate":
            tasks.schedule(count)
        else:
            getattr(tasks, way).schedule(count)
        await anyio.sleep(0.01)
        return "counted" if counted else "not counted"

    async with serving(app) as server:
        answer = await server.get("/", on_send=slow_send)
        await recorder.settled()
    timeline = last(recorder)
    released = [ms(task.released, task.started) for task in timeline.tasks]
    endpoint_end, sent, body, start = expected
    assert ms(timeline.endpoint_end, timeline.response_sent) == (endpoint_end, sent)
    assert answer.body == body
    assert released == ([] if start is None else [start])
    assert counted == [True]
