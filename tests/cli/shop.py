"""The app that the tests of `record` serve."""

from __future__ import annotations

from pathlib import Path

APP = """
import asyncio
from fastapi import FastAPI
from fastapi_tasks import Tasks, add_tasks
{extra}
app = FastAPI({options})
add_tasks(app)
number = 7

async def pack() -> None:
    await asyncio.sleep(0.05)

@app.get("/")
async def order(tasks: Tasks) -> str:
    tasks.after_response.schedule(pack)
    return "ordered"
"""


def write_app(folder: Path, extra: str = "", options: str = "") -> None:
    (folder / "shop.py").write_text(APP.format(extra=extra, options=options))
