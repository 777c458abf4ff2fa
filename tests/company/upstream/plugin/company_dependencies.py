"""What every endpoint depends on in the variant `tasks`."""

from __future__ import annotations

from typing import Annotated

import anyio.lowlevel
from fastapi import Depends
from fastapi.requests import HTTPConnection

from fastapi_tasks import Tasks


async def connected(connection: HTTPConnection) -> None:
    """Ask for what `Tasks` asks for."""


async def nothing(tasks: Annotated[None, Depends(connected, scope="request")]) -> None:
    """Do nothing: what `schedule` is compared to."""


async def schedule(tasks: Tasks) -> None:
    """Schedule a task in each mode, one of them in a thread."""
    tasks.schedule(job)
    tasks.after_route.schedule(job_in_thread)
    tasks.after_response.schedule(job)


async def job() -> None:
    await anyio.lowlevel.checkpoint()


def job_in_thread() -> None: ...
