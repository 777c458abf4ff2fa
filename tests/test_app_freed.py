"""S3: an app that nobody holds any longer is freed, as those that a factory makes for each test."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastapi_tasks import Tasks, add_tasks

PATHS = {"/quick/1": 200, "/quick/none": 422, "/thread": 200, "/watched": 200}


def make_app(*, watch: bool) -> FastAPI:
    app = FastAPI()

    @app.get("/quick/{number}")
    async def quick(number: int, tasks: Tasks) -> int:
        tasks.after_response.schedule(abs, number)
        return number

    @app.get("/thread")
    def thread(tasks: Tasks) -> None:
        tasks.schedule(abs, 1)

    @app.get("/watched")
    async def watched() -> None: ...

    add_tasks(app, watch=watch)
    return app


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("watch", [False, True])
def test_s3_an_app_is_freed_after_its_last_client(path: str, watch: bool) -> None:
    """FastAPI keeps what it calls of an endpoint, for longer than the endpoint's app."""
    apps, others = [], {*threading.enumerate()}
    for _ in range(3):
        app = make_app(watch=watch)
        with TestClient(app) as client:
            assert client.get(path).status_code == PATHS[path]
        apps.append(weakref.ref(app))
    del app, client
    # One that sleeps has been told to end, and holds its app until it wakes.
    for thread in {*threading.enumerate()} - others:
        thread.join(timeout=10)
    gc.collect()
    assert [one() for one in apps] == [None, None, None]
