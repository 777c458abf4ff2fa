"""An app that takes its own stamps, on uvicorn: `GET /differences` compares the recording's marks.

Run like serve.py. The clock is the recorder's, so that a difference is a delay and nothing else.
"""

import itertools
import time
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from serve import serve

from fastapi_tasks import Recorder, TaskRecord, Tasks, Timeline, add_tasks

now = time.perf_counter_ns

Stamps = dict[str, int]

stamps: dict[str, Stamps] = {}
app = FastAPI()
recorder = Recorder(maxlen=20_000)
add_tasks(app, recorder=recorder)


async def on_the_loop(mine: Stamps, name: str) -> None:
    mine[f"{name} started"] = now()
    mine[f"{name} finished"] = now()


def in_a_thread(mine: Stamps, name: str) -> None:
    mine[f"{name} started"] = now()
    mine[f"{name} finished"] = now()


@app.post("/orders/{number}")
async def order(number: int, tasks: Tasks) -> dict[str, str]:
    mine = stamps[f"/orders/{number}"]
    tasks.task(name="immediate").schedule(on_the_loop, mine, "immediate")
    tasks.after_response.task(name="after_response").schedule(on_the_loop, mine, "after_response")
    tasks.after_response.task(name="thread").schedule(in_a_thread, mine, "thread")
    answer = {"status": "processing"}
    mine["endpoint end"] = now()
    return answer


@app.get("/differences")
async def differences() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for timeline in recorder.timelines:
        for name, nanoseconds in _compared(timeline):
            found.setdefault(name, []).append(nanoseconds)
    recorder.clear()
    stamps.clear()
    return found


def _compared(timeline: Timeline) -> Iterator[tuple[str, int]]:
    mine = stamps.get(timeline.path)
    if mine is None or not timeline.settled:
        return
    marks = {"endpoint end": timeline.endpoint_end, "response sent": timeline.response_sent}
    for task in timeline.tasks:
        marks |= _marks(task)
    for name, mark in marks.items():
        if mark is not None and name in mine:
            yield name, abs(mark - mine[name])


def _marks(task: TaskRecord) -> dict[str, int | None]:
    return {f"{task.name} started": task.started, f"{task.name} finished": task.finished}


class Stamping:
    """Stands where the server stands: numbers the requests and stamps the end of its `send`."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        path = scope["path"] = f"/orders/{next(self._numbers)}"
        mine = stamps[path] = {}

        async def stamping_send(message: Any) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                mine["response sent"] = now()

        await app(scope, receive, stamping_send)


if __name__ == "__main__":
    serve(Stamping())
