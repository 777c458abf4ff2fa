"""A suite for the plugin, and how it is run: by pytest in pytest."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

INSTALLED = any(one.name == "timeline" for one in entry_points(group="pytest11"))
PLUGIN = [] if INSTALLED else ["-p", "visualize.pytest_plugin"]
"""What makes pytest load the plugin where the package was installed before it had one."""

SHOP = """
import anyio
import httpx
import pytest
from fastapi import BackgroundTasks, FastAPI, WebSocket
from fastapi.testclient import TestClient
from fastapi_tasks import Recorder, RecordingMiddleware, Tasks, add_tasks

app = FastAPI()
recorder = add_tasks(app)

async def mail() -> None:
    await anyio.sleep(0.01)

def log() -> None:
    pass

@app.post("/checkout")
async def checkout(tasks: Tasks) -> str:
    tasks.after_response.schedule(mail)
    tasks.schedule(log)
    await anyio.sleep(0.005)
    return "done"

@app.websocket("/chat")
async def chat(ws: WebSocket) -> None:
    await ws.accept()
    await ws.receive_text()

other = FastAPI()

@other.get("/orders/{number}")
async def order(number: int, tasks: BackgroundTasks) -> int:
    tasks.add_task(log)
    return number

def check_out() -> None:
    with TestClient(app) as client:
        client.post("/checkout")
"""

FAILING = (
    SHOP
    + """
def test_order():
    check_out()
    assert False
"""
)


def result_of(suite: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    suite.makepyfile(test_shop=source)
    return suite.runpytest_inprocess("-p", "no:asyncio", *arguments)


def pages(suite: pytest.Pytester, folder: str = "timelines") -> list[str]:
    return sorted(path.name for path in (suite.path / folder).glob("*"))
