"""An app that stamps its own moments, to compare with the recorded ones."""

from __future__ import annotations

from collections import defaultdict
from time import perf_counter_ns as clock
from typing import Any

import anyio
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fastapi_tasks import Recorder, Tasks, Timeline, add_tasks

from . import Said

stamped = FastAPI()
recorder = add_tasks(stamped, recorder=Recorder(maxlen=1000))

stamps: defaultdict[str, dict[str, int]] = defaultdict(dict)


async def on_loop(own: dict[str, int], mode: str) -> None:
    own[f"{mode}, async, started"] = clock()
    await anyio.sleep(0.001)
    own[f"{mode}, async, finished"] = clock()


def in_thread(own: dict[str, int], mode: str) -> None:
    own[f"{mode}, def, started"] = clock()
    sum(range(1000))
    own[f"{mode}, def, finished"] = clock()


@stamped.get("/work/{number}")
async def work(number: int, tasks: Tasks) -> dict[str, int]:
    own = stamps[f"/work/{number}"]
    kind = (on_loop, in_thread)[number % 2]
    tasks.schedule(kind, own, "immediate")
    tasks.after_route.schedule(kind, own, "after_route")
    tasks.after_response.schedule(kind, own, "after_response")
    await anyio.sleep(0.001)
    own["endpoint_end"] = clock()
    return {"number": number}


class Stamping:
    """Around the app: stamps what the server's own send takes and gives back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def stamping_send(message: Message) -> None:
            own = stamps[scope["path"]]
            if message["type"] == "http.response.start":
                own["response_start"] = clock()
                await send(message)
            else:
                await send(message)
                own["response_sent"] = clock()

        await self.app(scope, receive, stamping_send if scope["type"] == "http" else send)


@stamped.get("/differences")
async def differences() -> dict[str, list[int]]:
    """Return how far each recorded mark is from the stamp, in nanoseconds, for all requests."""
    chosen = [one for one in recorder.timelines if one.path.startswith("/work/")]
    for timeline in chosen:
        await recorder.settled(of=timeline)
    found: defaultdict[str, list[int]] = defaultdict(list)
    for timeline in chosen:
        for mark, stamp in stamps[timeline.path].items():
            found[mark].append(recorded(timeline, mark) - stamp)
    return found


def recorded(timeline: Timeline, mark: str) -> int:
    mode, _, moment = mark.rpartition(", ")
    owner: Any = timeline
    if mode:
        (owner,) = (task for task in timeline.tasks if mode.startswith(task.mode))
    value: int = getattr(owner, moment)
    return value


app = Said(Stamping(stamped))
