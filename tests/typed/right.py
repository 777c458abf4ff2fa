"""Calls that a type checker must accept."""

import functools
from typing import Any

from fastapi import FastAPI

from fastapi_tasks import Recorder, Task, TaskConfig, TaskErrorHandler, Tasks, Timeline, add_tasks

app = FastAPI()


async def send_mail(to: str, *, subject: str = "") -> None: ...


def resize(image: bytes, width: int, height: int) -> bytes:
    return image[: width * height]


async def report(task: Task[..., Any], exc: Exception) -> None: ...


def report_plainly(task: Task[..., Any], exc: Exception) -> None: ...


class Mailer:
    async def send(self, to: str) -> None: ...

    def __call__(self, to: str) -> None: ...


handler: TaskErrorHandler = report
recorder: Recorder = add_tasks(app, config=TaskConfig(shield=True, on_error=report_plainly))


@app.get("/")
async def endpoint(tasks: Tasks) -> None:
    first: Task[..., Any] = tasks.schedule(send_mail, "a", subject="b")
    tasks.after_route.schedule(resize, b"", 1, height=2)
    tasks.after_response.task(name="x", on_error=report).schedule(send_mail, to="a")
    tasks.task(on_error=report_plainly).task(shield=True).schedule(Mailer().send, "a")
    tasks.schedule(Mailer(), "a")
    tasks.schedule(functools.partial(send_mail, "a"))
    tasks.schedule(lambda: None)
    assert first.started.is_set() or first.config.shielded


async def wait() -> None:
    await recorder.settled(timeout=1.0)
    last: Timeline | None = recorder.last
    assert last is None or last.tasks[0].finished is not None
