"""The live page beside an app of any kind, on the same server."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from fastapi_tasks import Recorder

from .pages import LivePage


class Beside:
    """Serves the live page below `path`, and the app everywhere else.

    The page answers this machine only, and only those who have the token, which is in `address`.
    Neither the app's middlewares nor its recorder see the page's requests.
    """

    def __init__(self, app: ASGIApp, recorder: Recorder, path: str, title: str) -> None:
        self.app = app
        self.page = LivePage(recorder, path, title, logs=False)
        self._path = path
        self._served = FastAPI(openapi_url=None)
        self._served.include_router(self.page.router())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        below = path == self._path or path.startswith(f"{self._path}/")
        if scope["type"] == "lifespan":
            self.page.start()
            try:
                await self.app(scope, receive, send)
            finally:
                self.page.stop()
            return
        served = self._served if scope["type"] == "http" and below else self.app
        await served(scope, receive, send)
