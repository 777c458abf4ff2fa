"""An app's life around its requests, where no server looks after it."""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from typing import Any

from starlette.types import ASGIApp, Message

from .errors import hanging, not_started
from .log import SERVER

STOP_LIMIT = 60.0
"""Seconds that an app's own shutdown gets."""


class Lifespan:
    """Runs an app's lifespan in a task of its own, since one task must begin and end it."""

    def __init__(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        self._app = app
        self._scope = {"type": "lifespan", **scope}
        self._asked: asyncio.Queue[Message] = asyncio.Queue()
        self._said: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()
        self._error: BaseException | None = None
        self._task = asyncio.create_task(self._run(), context=Context())

    async def startup(self) -> None:
        """Return when the app has started, or knows of no lifespan. Raises LabError."""
        self._asked.put_nowait({"type": "lifespan.startup"})
        try:
            said = await asyncio.shield(self._said)
        except BaseException:
            self._task.cancel()
            raise
        if said is not None and said["type"] == "lifespan.startup.failed":
            await asyncio.wait([self._task])
            raise not_started(self._error) from self._error

    async def shutdown(self) -> None:
        """Return when the app has shut down. Raises LabError if it hangs."""
        self._asked.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait([self._task], timeout=STOP_LIMIT)
        if not self._task.done():
            self._task.cancel()
            raise hanging(STOP_LIMIT)

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._asked.get, self._send)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._error = error
        finally:
            self._say(None)

    async def _send(self, message: Message) -> None:
        self._say(message)
        if message["type"] == "lifespan.shutdown.failed" and message.get("message"):
            logging.getLogger(SERVER).error(message["message"])

    def _say(self, message: Message | None) -> None:
        if not self._said.done():
            self._said.set_result(message)
