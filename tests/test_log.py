"""I1, S1: what cannot be logged ends nothing, and is said all the same."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from fastapi_tasks import Recorder, Task, Tasks, add_tasks

from .asgi import serving
from .virtual import now

pytestmark = pytest.mark.anyio

MakeApp = Callable[..., FastAPI]


class ShowsNothingError(Exception):
    """As errors that hand all questions on to a connection that is gone."""

    def __str__(self) -> str:
        raise ConnectionError

    @property
    def __cause__(self) -> BaseException | None:  # type: ignore[override]
        raise ConnectionError

    def __getattr__(self, name: str) -> Any:
        raise ConnectionError


@contextmanager
def a_filter_that_fails() -> Iterator[None]:
    """As one that asks for the request where none is under way."""

    def fails(record: logging.LogRecord) -> bool:
        raise LookupError

    handler = logging.StreamHandler(io.StringIO())
    handler.addFilter(fails)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


async def fails() -> None:
    raise ShowsNothingError


async def test_an_error_that_cannot_be_shown_is_told_to_its_handler(
    make_app: MakeApp, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    app, told = make_app(), []

    async def report(task: Task[..., Any], error: Exception) -> None:
        told.append((task.name, type(error)))
        raise error

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.task(on_error=report).schedule(fails)
        tasks.after_response.task(name="next").schedule(anyio.sleep, 0)

    handler = logging.StreamHandler()
    logging.getLogger().addHandler(handler)
    try:
        async with serving(app) as server:
            timeline = await server.settle("/")
    finally:
        logging.getLogger().removeHandler(handler)
    assert told == [("fails", ShowsNothingError)]
    assert [(one.outcome, one.error) for one in timeline.tasks] == [
        ("error", "ShowsNothingError"),
        ("ok", None),
    ]
    said = capsys.readouterr().err
    title = "fails (immediate, GET / #1)"
    assert f"task {title} failed after 0.0 ms (logging this failed with " in said
    assert f"on_error of task {title} failed itself (logging this failed with " in said


async def test_a_filter_that_fails_ends_no_task_no_request_and_no_shutdown(
    recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    ends: list[str] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> Any:
        yield
        ends.append("app")

    app = FastAPI(lifespan=lifespan)
    add_tasks(app, recorder=recorder, grace_period=1, shutdown_timeout=3)

    async def trouble() -> None:
        raise ValueError

    async def work(name: str, seconds: float) -> None:
        await anyio.sleep(seconds)
        ends.append(name)

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.task(name="cancelled").schedule(work, "cancelled", 10)
        tasks.task(name="shielded", shield=True).schedule(work, "shielded", 2)
        tasks.schedule(trouble)

    @app.get("/fails")
    async def failing(tasks: Tasks) -> None:
        tasks.after_route.schedule(trouble)
        raise LookupError

    with a_filter_that_fails():
        async with serving(app) as server:
            assert (await server.get("/")).status == 200
            assert (await server.get("/fails")).status == 500
    assert now() == 2 * 10**9
    assert ends == ["shielded", "app"]
    outcomes = [one.outcome for timeline in recorder.timelines for one in timeline.tasks]
    assert outcomes == ["cancelled", "ok", "error", "discarded"]
    said = capsys.readouterr().err
    assert said.count(" (logging this failed with LookupError)\n") == 4


async def test_a_line_is_said_to_come_from_where_it_is_written(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()

    @app.get("/")
    async def endpoint(tasks: Tasks) -> None:
        tasks.schedule(anyio.sleep, "not a number")

    async with serving(app) as server:
        await server.settle("/")
    assert [one.module for one in caplog.records] == ["failing"]
