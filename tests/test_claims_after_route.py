"""What the tutorial says about timing control, claims 7 to 11: tasks after the route."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any

import anyio
import pytest
from fastapi import HTTPException
from starlette.types import Message

from fastapi_tasks import Recorder, Tasks

from .asgi import serving
from .tutorial import MakeApp, last, marks, slow_send, times
from .virtual import now

pytestmark = pytest.mark.anyio


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
