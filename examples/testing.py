# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "fastapi-tasks-timeline",
#     "httpx2",
#     "pytest",
# ]
# [tool.uv.sources]
# fastapi-tasks-timeline = { path = ".." }
# ///
"""Test what your endpoints schedule: wait for it, then ask the record. No sleeping, no mocks.

uv run examples/testing.py, or pytest examples/testing.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastapi_tasks import Recorder, Tasks, add_tasks

app = FastAPI()
recorder = add_tasks(app)
mails: list[str] = []


async def send_mail(to: str) -> None:
    mails.append(to)


async def update_stock(item: str) -> None:
    raise ConnectionError("the warehouse does not answer")


@app.post("/orders")
async def order(item: str, tasks: Tasks) -> dict[str, str]:
    tasks.after_route.schedule(update_stock, item)
    tasks.after_response.task(name="mail").schedule(send_mail, "someone@example.org")
    return {"status": "processing"}


@pytest.fixture
def client() -> Iterator[TestClient]:
    recorder.clear()
    with TestClient(app) as client:
        yield client


def settled() -> Recorder:
    recorder.wait_settled(timeout=5)
    return recorder


def test_the_mail_is_sent_after_the_response(client: TestClient) -> None:
    assert client.post("/orders?item=pen").status_code == 200
    timeline = settled().last
    assert timeline is not None
    mail = timeline.task("mail")
    assert mail.outcome == "ok"
    assert mail.started is not None
    assert timeline.response_sent is not None
    assert mail.started >= timeline.response_sent
    assert mails == ["someone@example.org"]


def test_a_task_that_fails_harms_nothing_else(client: TestClient) -> None:
    assert client.post("/orders?item=pen").status_code == 200
    timeline = settled().last
    assert timeline is not None
    assert timeline.order == ["update_stock", "mail"]
    assert timeline.task("update_stock").error == "ConnectionError"
    assert timeline.task("mail").outcome == "ok"


if __name__ == "__main__":
    # The settings of the folder it lies in are not its own.
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", "-q", "-c", os.devnull, __file__]))
