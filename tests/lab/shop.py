"""The app that most tests of the lab serve."""

from __future__ import annotations

import anyio
from fastapi import FastAPI

from fastapi_tasks import Tasks, add_tasks


def shop() -> FastAPI:
    app = FastAPI()
    add_tasks(app)

    async def pack(number: int) -> None:
        await anyio.sleep(0.001 * (number % 5))

    @app.get("/items/{number}")
    async def item(number: int, tasks: Tasks) -> dict[str, int]:
        tasks.after_response.schedule(pack, number)
        await anyio.sleep(0.001 * (number % 7))
        return {"number": number}

    return app
