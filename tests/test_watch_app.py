"""The libraries' hooks in real apps, which are watched as a whole."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import httpx
import pytest
import sqlalchemy as sa
from fastapi import BackgroundTasks, Depends, FastAPI, Response
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from starlette.concurrency import run_in_threadpool

from fastapi_tasks import Tasks, Timeline, add_tasks
from fastapi_tasks.watch import frames

from .asgi import serving
from .servers import ROOT
from .watching import described


def count_words(text: str) -> int:
    return len(text.split())


def shop(directory: Path) -> FastAPI:
    """An app that knows nothing of us but the modes of its tasks."""
    app = FastAPI()
    engine = create_async_engine(f"sqlite+aiosqlite:///{directory}/shop.db")
    payments = httpx.MockTransport(lambda _: httpx.Response(200, text="paid in full"))

    async def get_session() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine) as session:
            yield session
            await session.commit()

    InSession = Annotated[AsyncSession, Depends(get_session)]  # noqa: N806

    async def send_mail() -> None:
        async with AsyncSession(engine) as session:
            await session.execute(sa.text("SELECT * FROM customers"))

    async def report() -> None:
        await asyncio.to_thread(count_words, "a report")

    async def reserve() -> None:
        await asyncio.to_thread(count_words, "a place")

    @app.get("/make")
    async def make(session: InSession) -> None:
        await session.execute(sa.text("CREATE TABLE orders (id INTEGER)"))
        await session.execute(sa.text("CREATE TABLE customers (id INTEGER)"))

    @app.get("/checkout")
    async def checkout(tasks: Tasks, later: BackgroundTasks, session: InSession) -> int:
        tasks.after_response.schedule(send_mail)
        later.add_task(report)
        await session.execute(sa.text("INSERT INTO orders VALUES (4711)"))
        async with httpx.AsyncClient(transport=payments) as client:
            paid = await client.post("http://payments.example/card/4711")
        await asyncio.create_task(reserve())
        return await run_in_threadpool(count_words, paid.text)

    @app.get("/close")
    async def close() -> None:
        await engine.dispose()

    return app


def nested(timeline: Timeline, task: int | None, parent: int | None = None) -> list[str]:
    """What the request or one of its tasks did, but for waits of chance."""
    lines: list[str] = []
    for span in sorted(timeline.spans, key=lambda span: span.start):
        if (span.task, span.parent) == (task, parent) and span.kind != "pool":
            lines.append(described(span))
            lines += [f"  {line}" for line in nested(timeline, task, span.id)]
    return lines


def test_each_span_is_in_the_request_or_the_task_that_made_it(tmp_path: Path) -> None:
    async def use() -> Timeline:
        app = shop(tmp_path)
        recorder = add_tasks(app, watch=True)
        async with serving(app) as server:
            for path in ("/make", "/checkout"):
                assert (await server.get(path)).status == 200
                await recorder.settled(10)
            timeline = recorder.last
            await server.get("/close")
        assert timeline is not None
        return timeline

    timeline = asyncio.run(use())

    assert nested(timeline, None) == [
        "dependency get_session",
        "endpoint checkout",
        "  sql INSERT orders",
        "  http POST payments.example",
        "  thread count_words",
        "serialization response",
        "sending response",
        "close get_session",
        "  sql COMMIT",
    ]
    # Not `AsyncSession.close`, of which SQLAlchemy makes a task for itself.
    assert {(task.name, task.mode) for task in timeline.tasks} == {
        ("send_mail", "after_response"),
        ("report", "background"),
        ("reserve", "spawned"),
    }
    done = {task.name: nested(timeline, task.id) for task in timeline.tasks}
    assert done["send_mail"] == ["sql SELECT customers", "sql ROLLBACK"]
    assert done["report"] == ["thread count_words"]
    assert done["reserve"] == ["thread count_words"]


def test_the_packages_of_the_apps_endpoints_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "_packages", set())

    async def use() -> None:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> None: ...

        endpoint.__module__ = "installed_shop.endpoints"
        add_tasks(app, watch=True)
        async with serving(app):
            assert "installed_shop" in frames._packages

    asyncio.run(use())


def test_a_tracer_provider_that_is_set_between_two_requests_is_found() -> None:
    # In a process of its own: a provider is set once and for all.
    code = """
import asyncio
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from fastapi_tasks import add_tasks
from tests.asgi import serving

app = FastAPI()
tracer = trace.get_tracer("shop")

@app.get("/")
async def endpoint() -> None:
    with tracer.start_as_current_span("charge"):
        pass

async def main() -> None:
    recorder = add_tasks(app, watch=True)
    async with serving(app) as server:
        await server.get("/")
        await server.get("/")
        trace.set_tracer_provider(TracerProvider())
        await server.get("/")
    for timeline in recorder.timelines:
        print([span.name for span in timeline.spans if span.kind == "telemetry"])

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["[]", "[]", "['charge']"]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_error_whose_class_has_no_name_to_tell_is_named_all_the_same() -> None:
    class Kind(type):
        @property
        def __name__(cls) -> str:
            raise RuntimeError("there is none")

    class NamelessError(Exception, metaclass=Kind):
        pass

    async def fail() -> None:
        raise NamelessError

    app = FastAPI()
    add_tasks(app, watch=True)

    @app.exception_handler(NamelessError)
    def answer(_: object, __: Exception) -> Response:
        return Response(status_code=418)

    @app.get("/")
    async def endpoint(later: BackgroundTasks) -> None:
        await asyncio.gather(asyncio.create_task(fail()), return_exceptions=True)
        later.add_task(fail)
        raise NamelessError

    @app.get("/later")
    async def in_the_background(later: BackgroundTasks) -> None:
        later.add_task(fail)

    async with serving(app) as server:
        failed = await server.settle("/")
        # The response is there by then, so nobody answers it.
        with suppress(NamelessError):
            await server.settle("/later")
        last = app.state.tasks_recorder.last
    assert [task.error for task in failed.tasks] == ["NamelessError", None]
    assert [span.error for span in failed.spans if span.kind == "endpoint"] == ["NamelessError"]
    assert [task.error for task in last.tasks] == ["NamelessError"]
