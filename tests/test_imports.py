"""§9: what an import of the library loads, what an app's start does, and that no request does."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .processes import ROOT

SCRIPT = """
import json, sys
import anyio
from fastapi import FastAPI

def loaded():
    return {name for name in sys.modules if name.partition(".")[0] == "fastapi_tasks"}

import fastapi_tasks
imported = loaded()

from fastapi_tasks import Tasks, add_tasks
from tests.asgi import serving

app = FastAPI()
add_tasks(app)

@app.get("/")
async def endpoint(tasks: Tasks):
    tasks.schedule(anyio.sleep, 0)
    tasks.after_route.schedule(list)
    tasks.after_response.schedule(anyio.sleep, 0)

async def main():
    async with serving(app) as server:
        up = loaded()
        timeline = await server.settle("/")
        assert [task.outcome for task in timeline.tasks] == ["ok"] * 3
        return up, loaded()

up, answered = anyio.run(main, backend="BACKEND")
print(json.dumps([sorted(imported), sorted(up - imported), sorted(answered - up)]))
"""

RUNS_TASKS = {"runtime", "phases", "job", "running", "failing", "drain", "states", "telemetry"}


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_what_runs_tasks_is_loaded_when_the_app_starts(backend: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("BACKEND", backend)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    imported, at_start, at_the_request = json.loads(done.stdout)
    rooms = {f"fastapi_tasks.{name}" for name in RUNS_TASKS}
    assert "fastapi_tasks.app" in imported
    assert rooms & set(imported) == set()
    assert rooms <= set(at_start)
    # Whoever came first would have to wait for it.
    assert at_the_request == []
