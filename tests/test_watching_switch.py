"""Watching is switched by the recorder, also where somebody else called add_tasks() or record()."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_tasks import Recorder, RecordingMiddleware, add_tasks, record

from .asgi import serving
from .watching import tree

pytestmark = pytest.mark.anyio


class Plain:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def who() -> str:
    return "me"


async def mail() -> None: ...


def shop() -> FastAPI:
    app = FastAPI()
    app.add_middleware(Plain)

    @app.get("/")
    async def order(background: BackgroundTasks, user: str = Depends(who)) -> str:
        background.add_task(mail)
        return user

    return app


@pytest.mark.parametrize("give", [add_tasks, record])
async def test_watching_is_switched_on_before_the_start(
    give: Callable[[Any], Recorder],
) -> None:
    app = shop()
    recorder = give(app)
    assert recorder.watching is False
    recorder.watching = True
    async with serving(app) as server:
        timeline = await server.settle("/")
    lines = tree(timeline)
    assert lines[0] == "middleware Plain"
    assert "dependency who" in [line.strip() for line in lines]
    assert [(task.name, task.mode) for task in timeline.tasks] == [("mail", "background")]


@pytest.mark.parametrize("give", [add_tasks, record])
async def test_watching_is_switched_off_at_any_time(give: Callable[..., Recorder]) -> None:
    app = shop()
    recorder = give(app, watch=True)
    assert recorder.watching is True
    async with serving(app) as server:
        await server.settle("/")
        recorder.watching = False
        timeline = await server.settle("/")
    assert (timeline.spans, timeline.tasks) == ([], [])


async def test_the_middleware_is_switched_too() -> None:
    app = RecordingMiddleware(shop())
    app.recorder.watching = True
    async with serving(app) as server:
        timeline = await server.settle("/")
    assert [task.name for task in timeline.tasks] == ["mail"]
