"""An app whose lifespans are of interest."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI

from fastapi_tasks import Recorder, Tasks, add_tasks

BACKENDS = ["asyncio", "trio"]


class Shop:
    """An app that says when its lifespans begin and end, and in which thread its tasks run."""

    def __init__(self, recorder: Recorder | None = None, **options: Any) -> None:
        self.said: list[str] = []
        self.threads: dict[str, int] = {}
        self.app = FastAPI(lifespan=self.lifespan)
        self.recorder = add_tasks(self.app, recorder=recorder, **options)

        @self.app.get("/{word}")
        async def endpoint(word: str, tasks: Tasks, seconds: float = 0, after: str = "") -> int:
            tasks.after_response.schedule(self.work, word, seconds, after)
            return threading.get_ident()

    @asynccontextmanager
    async def lifespan(self, _: Any) -> AsyncIterator[None]:
        self.said.append("open")
        try:
            yield
        finally:
            self.said.append("closed")

    async def work(self, word: str, seconds: float = 0, after: str = "") -> None:
        await anyio.sleep(seconds)
        while after and after not in self.said:
            await anyio.sleep(0.001)
        self.threads[word] = threading.get_ident()
        self.said.append(word)
