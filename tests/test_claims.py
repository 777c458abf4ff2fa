"""What the tutorial says about timing control, claims 1 to 22, measured."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any, Literal

import anyio
import pytest
from fastapi import BackgroundTasks, FastAPI, HTTPException
from starlette.types import Message

from fastapi_tasks import Busy, Event, Mode, Recorder, TaskRecord, Tasks, Timeline
from fastapi_tasks.scheduler import TasksBatch, TasksScheduler

from .asgi import serving
from .served.claims import ATLAS_BYTES
from .servers import NORMAL_EXIT, PATIENCE, Server, running
from .virtual import block, now

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]

all_modes = pytest.mark.parametrize("mode", ["immediate", "after_route", "after_response"])


def of_mode(tasks: TasksScheduler, mode: Mode) -> TasksBatch:
    schedulers = {"after_route": tasks.after_route, "after_response": tasks.after_response}
    return schedulers.get(mode, tasks)


def last(recorder: Recorder) -> Timeline:
    assert recorder.last is not None
    return recorder.last


def ms(*moments: int | None) -> tuple[float | None, ...]:
    return tuple(None if moment is None else moment / 1e6 for moment in moments)


def times(task: TaskRecord) -> tuple[float | None, ...]:
    """Requested, released, started, finished: in milliseconds."""
    return ms(task.requested, task.released, task.started, task.finished)


def marks(timeline: Timeline) -> tuple[float | None, ...]:
    """Endpoint end, response start, response sent: in milliseconds."""
    return ms(timeline.endpoint_end, timeline.response_start, timeline.response_sent)


async def slow_send(message: Message) -> None:
    await anyio.sleep(0.02)


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


@pytest.fixture(scope="module")
def club() -> Iterator[Server]:
    with running("uvicorn", "claims:club") as server:
        yield server


def test_claim_6_but_a_slow_client_may_have_nothing_of_it_yet(club: Server) -> None:
    host, port = club.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE) as client:
        client.sendall(b"GET /atlas HTTP/1.1\r\nHost: club\r\nConnection: close\r\n\r\n")
        club.wait_for("app: download counted")
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert len(received.partition(b"\r\n\r\n")[2]) == ATLAS_BYTES


# Using after-route tasks -----------------------------------------------------------------------


async def test_claim_7_a_task_with_positional_arguments_does_not_hold_the_response_up(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()
    visits: list[tuple[str, int]] = []

    async def note_visit(page: str, reader: int) -> None:
        await anyio.sleep(0.2)
        visits.append((page, reader))

    @app.get("/forecast")
    async def forecast(reader: int, tasks: Tasks) -> dict[str, list[int]]:
        tasks.after_route.schedule(note_visit, "/forecast", reader)
        return {"degrees": [4, 7, 5]}

    async with serving(app) as server:
        answer = await server.get("/forecast?reader=42")
        assert (now(), visits) == (0, [])
        await recorder.settled()
    assert answer.body == b'{"degrees":[4,7,5]}'
    assert visits == [("/forecast", 42)]
    assert times(last(recorder).tasks[0]) == (0, 0, 0, 200)


@dataclass
class Desk:
    """Where a loan desk keeps its things."""

    told: list[str] = field(default_factory=list)
    journal: list[str] = field(default_factory=list)
    locks: set[str] = field(default_factory=set)
    alarms: list[str] = field(default_factory=list)

    async def tell_branches(self, loan: dict[str, Any]) -> None:
        self.told.append(loan["book"])

    async def write_journal(self, loan: dict[str, Any]) -> None:
        self.journal.append(f"lent {loan['book']}")

    async def unlock(self, loan: dict[str, Any]) -> None:
        self.locks.remove(loan["book"])

    async def check_limit(self, loan: dict[str, Any]) -> None:
        if loan["days"] > 30:
            self.alarms.append(f"{loan['book']} for {loan['days']} days")


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ("tell_branches", Desk(told=["Emma"], locks={"Emma"})),
        ("write_journal", Desk(journal=["lent Emma"], locks={"Emma"})),
        ("unlock", Desk()),
        ("check_limit", Desk(alarms=["Emma for 60 days"], locks={"Emma"})),
    ],
)
async def test_claim_8_after_route_suits_four_situations_and_can_not_change_the_response(
    make_app: MakeApp, recorder: Recorder, situation: str, expected: Desk
) -> None:
    app = make_app()
    desk = Desk()
    handle = getattr(desk, situation)

    async def handle_and_scribble(loan: dict[str, Any]) -> None:
        await handle(loan)
        loan["days"] = "changed too late"

    @app.post("/loans")
    async def lend(tasks: Tasks) -> dict[str, Any]:
        loan = {"book": "Emma", "days": 60}
        desk.locks.add("Emma")
        tasks.after_route.schedule(handle_and_scribble, loan)
        return loan

    async with serving(app) as server:
        answer = await server.request("POST", "/loans", on_send=slow_send)
        await recorder.settled()
    assert desk == expected
    assert answer.body == b'{"book":"Emma","days":60}'
    # Done before even the head of the response was sent, 20 ms later.
    assert times(last(recorder).tasks[0]) == (0, 0, 0, 0)


@dataclass
class Album:
    """Photos, and who removed which when."""

    photos: set[int]
    removals: list[dict[str, Any]] = field(default_factory=list)

    async def record_removal(self, *, photo: int, by: str, at: datetime) -> None:
        self.removals.append({"photo": photo, "by": by, "at": at})


@pytest.mark.parametrize(("photo", "status", "outcome"), [(7, 200, "ok"), (8, 404, "discarded")])
async def test_claim_9_an_audit_entry_is_on_its_way_before_the_client_is_told(
    make_app: MakeApp, recorder: Recorder, photo: int, status: int, outcome: str
) -> None:
    app = make_app()
    album = Album({7})
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)

    @app.delete("/photos/{photo}")
    async def remove(photo: int, by: str, tasks: Tasks) -> dict[str, int]:
        # Before the photo is looked for: the entry depends on what comes of the request.
        tasks.after_route.schedule(album.record_removal, photo=photo, by=by, at=moment)
        if photo not in album.photos:
            raise HTTPException(404)
        album.photos.remove(photo)
        return {"removed": photo}

    known: list[int] = []

    async def on_send(message: Message) -> None:
        await anyio.sleep(0.02)
        known.append(len(album.removals))

    async with serving(app) as server:
        answer = await server.request("DELETE", f"/photos/{photo}?by=ada", on_send=on_send)
        await recorder.settled()
    assert answer.status == status
    assert [task.outcome for task in last(recorder).tasks] == [outcome]
    entries = [{"photo": 7, "by": "ada", "at": moment}] if outcome == "ok" else []
    assert album.removals == entries
    assert known == [len(entries)] * 2


@pytest.mark.parametrize("count", [0, 1, 10, 100])
async def test_claim_10_scheduling_is_all_that_tasks_cost_the_response(
    make_app: MakeApp, recorder: Recorder, count: int
) -> None:
    app = make_app()
    spent: list[int] = []

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        before = perf_counter_ns()
        for _ in range(count):
            tasks.after_route.schedule(anyio.sleep, 1)
        spent.append(perf_counter_ns() - before)
        await anyio.sleep(0.01)

    async with serving(app) as server:
        await server.get("/")
        assert now() == 10_000_000
        await recorder.settled()
    assert marks(last(recorder)) == (10, 10, 10)
    assert [task.outcome for task in last(recorder).tasks] == ["ok"] * count
    # Some ten microseconds each; the bound leaves room for a busy machine.
    assert spent[0] <= 2_000_000 * max(count, 1)


async def test_claim_11_after_route_tasks_start_in_the_order_written_and_overlap(
    make_app: MakeApp, recorder: Recorder
) -> None:
    app = make_app()
    happened: list[str] = []

    async def step(name: str, seconds: float) -> None:
        happened.append(f"{name} starts")
        await anyio.sleep(seconds)
        happened.append(f"{name} ends")

    @app.put("/playlists/3")
    async def rename(tasks: Tasks) -> None:
        tasks.after_route.schedule(step, "refresh", 0.3)
        tasks.after_route.schedule(step, "forget", 0.2)
        tasks.after_route.schedule(step, "note", 0.1)

    async with serving(app) as server:
        await server.settle("/playlists/3", method="PUT")
    assert happened == [
        *("refresh starts", "forget starts", "note starts"),
        *("note ends", "forget ends", "refresh ends"),
    ]


# Using after-response tasks --------------------------------------------------------------------


def test_claim_12_the_client_has_its_answer_before_the_letter_goes_out(club: Server) -> None:
    answer = club.client.post("/members", params={"member": "ada"})
    assert answer.json() == {"joined": "ada"}
    # The letter waits for this client's word, so it is written after the answer was read.
    club.wait_for("writing to ada")
    assert "wrote to ada" not in club.said
    club.open("letter")
    club.wait_for("wrote to ada")


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


def test_claim_21_a_shielded_task_outlives_the_grace_period_of_a_shutdown() -> None:
    with running("uvicorn", "claims:brief") as server:
        server.client.post("/members")
        server.wait_for("fee begins")
        server.terminate()
        line = server.wait_for("shutdown: cancelled after the grace period of 0.2 s")
        assert "sync_calendar" in line
        assert "print_badge" in line
        assert "charge_fee" not in line
        server.open("bank answers")
        assert server.exit_code() == NORMAL_EXIT["uvicorn"]
    assert server.said[-2:] == ["shutdown begins", "fee charged"]
    server.assert_no_trouble()


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
