"""Apps for what the tutorial says of clients and of a shutdown."""

from __future__ import annotations

import anyio
from fastapi import FastAPI, Response

from fastapi_tasks import Tasks, add_tasks

from . import Said, hold, opened, say

club_app = FastAPI()
add_tasks(club_app)
club = Said(club_app)

ATLAS_BYTES = 200_000


async def welcome(member: str) -> None:
    say(f"writing to {member}")
    hold("letter")
    say(f"wrote to {member}")


@club_app.post("/members")
async def join(member: str, tasks: Tasks) -> dict[str, str]:
    tasks.after_response.schedule(welcome, member=member)
    return {"joined": member}


async def count_download() -> None:
    say("download counted")


@club_app.get("/atlas")
async def atlas(tasks: Tasks) -> Response:
    tasks.after_response.schedule(count_download)
    return Response(b"x" * ATLAS_BYTES)


brief_app = FastAPI()
add_tasks(brief_app, grace_period=0.2, shutdown_timeout=30)
brief = Said(brief_app)


async def sync_calendar() -> None:
    say("calendar begins")
    await anyio.sleep_forever()


async def print_badge() -> None:
    say("badge begins")
    await anyio.sleep_forever()


async def charge_fee() -> None:
    say("fee begins")
    await opened("bank answers")
    say("fee charged")


@brief_app.post("/members")
async def join_briefly(tasks: Tasks) -> None:
    later = tasks.after_response
    later.schedule(sync_calendar)
    later.schedule(print_badge)
    later.task(shield=True).schedule(charge_fee)
