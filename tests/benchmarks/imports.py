"""What `import fastapi_tasks`, and the first start of an app, add to a process that has FastAPI."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

from tests.benchmarks.contenders import environment_of
from tests.benchmarks.environments import UnavailableError
from tests.benchmarks.progress import Progress
from tests.benchmarks.results import Subject
from tests.benchmarks.workers import environment

SCRIPT = """
import asyncio, json, sys, time
began = time.perf_counter()
import fastapi
then = time.perf_counter()
before = set(sys.modules)
import fastapi_tasks
now = time.perf_counter()
new = set(sys.modules) - before
heavy = {"matplotlib", "numpy", "IPython", "jupyter", "jupyter_core", "nbclient", "visualize"}
own = [name for name in new if name.split(".")[0] == "fastapi_tasks"]

async def start(app):
    async with app.router.lifespan_context(app):
        pass

asyncio.run(start(fastapi.FastAPI()))
app = fastapi.FastAPI()
made = time.perf_counter()
fastapi_tasks.add_tasks(app)
asyncio.run(start(app))
up = time.perf_counter()
print(json.dumps({
    "import fastapi, ms": 1e3 * (then - began),
    "import fastapi_tasks after it, ms": 1e3 * (now - then),
    "add_tasks() and an app's first start, ms": 1e3 * (up - made),
    "modules of its own": len(own),
    "modules of others": len(new) - len(own),
    "of matplotlib, jupyter and their like": len({name.split(".")[0] for name in new} & heavy),
}))
"""


def measure(progress: Progress, *, quick: bool) -> Subject:
    """Import it in fresh processes, the published package in turns with ours."""
    subject = Subject("medians of fresh processes, compiled files in place", ["0.1", "ours"])
    pythons: dict[str, str | None] = {"ours": None}
    if not quick:
        try:
            pythons["0.1"] = environment_of("0.1")
        except UnavailableError as error:
            subject.notes.append(f"0.1 is left out: {error}")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in pythons}
    for number in range(7 if quick else 31):
        progress.step(f"process {number + 1}")
        for name, python in pythons.items():
            found[name].append(_import(python))
    for name, rounds in found.items():
        for what in rounds[0]:
            value = round(median(one[what] for one in rounds), 2)
            subject.rows.setdefault(what, {})[name] = value
    return subject


def _import(python: str | None) -> dict[str, float]:
    done = subprocess.run(
        [python or sys.executable, "-P", "-c", SCRIPT],
        env=environment(python), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    numbers: dict[str, float] = json.loads(done.stdout)
    return numbers
