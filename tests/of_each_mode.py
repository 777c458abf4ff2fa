"""One task of each mode, scheduled by name, and what is told of them when the request failed."""

from __future__ import annotations

from typing import Any

import anyio

from fastapi_tasks import Timeline

MODES = ("immediate", "after_route", "after_response")


async def slow_send(_: Any) -> None:
    await anyio.sleep(0.02)


async def work() -> None: ...


def schedule_all(tasks: Any, by: str) -> None:
    """Schedule one task of each mode, the last of them first."""
    tasks.after_response.task(name=f"{by}: after_response").schedule(work)
    tasks.after_route.task(name=f"{by}: after_route").schedule(work)
    tasks.task(name=f"{by}: immediate").schedule(work)


def told(timeline: Timeline | None) -> list[tuple[str, str | None, float | None]]:
    """Name, outcome, and when it was released, in milliseconds."""
    assert timeline is not None
    return [
        (t.name, t.outcome, None if t.released is None else t.released / 1e6)
        for t in timeline.tasks
    ]


ENDPOINT = [
    ("endpoint: after_response", "discarded", None),
    ("endpoint: after_route", "discarded", None),
    ("endpoint: immediate", "ok", 0),
]

DEPENDENCY = [(name.replace("endpoint", "dependency"), *rest) for name, *rest in ENDPOINT]


def discarded_line(error: str, names: str = "endpoint") -> str:
    return (
        f"GET / #1 failed with {error}, so its tasks are discarded: "
        f"{names}: after_route (after_route), {names}: after_response (after_response)"
    )
