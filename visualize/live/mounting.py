"""Put the live page into an app."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence

import anyio
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.params import Depends as Dependency
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.types import Scope

from fastapi_tasks import Recorder, recorder_of
from fastapi_tasks.errors import FastAPITasksUninitializedAppError
from visualize.page import LIVE_POLICY, asset, live_html

from .changes import Changes, Cursor
from .guard import loopback_only
from .stopping import stopping
from .wire import RETRY, messages

FRAME = 0.05
STREAM = 60.0


def mount(
    app: FastAPI,
    path: str = "/_timeline",
    *,
    dependencies: Sequence[Dependency] | None = None,
) -> None:
    """Show the requests of a running app, as they happen, on a page of its own at `path`.

    `dependencies` decide who may see it; without them it answers this machine only. The page's
    own requests are not recorded. Raises FastAPITasksUninitializedAppError if the app has no
    tasks yet, ValueError for a path that does not begin with a slash or leaves nothing after it,
    RuntimeError when the app has started.
    """
    recorder = _recorder(app)
    prefix = path.rstrip("/")
    if not prefix.startswith("/"):
        raise ValueError(
            f"mount() got the path {path!r}, where no page can be: give one that begins with a "
            'slash, such as "/_timeline"'
        )
    router = page_routes(recorder, prefix, app.title, dependencies)
    before = list(app.router.routes)
    app.include_router(router)
    # In front: a route that takes every path may have been there first.
    added = app.router.routes[len(before) :]
    app.router.routes[:] = [*added, *before]
    recorder.ignore(prefix)


def page_routes(
    recorder: Recorder,
    prefix: str,
    title: str,
    dependencies: Sequence[Dependency] | None = None,
) -> APIRouter:
    """Return the routes of the page; without `dependencies` they answer this machine only."""
    guards = [Depends(loopback_only)] if dependencies is None else list(dependencies)
    router = APIRouter(prefix=prefix, dependencies=guards, include_in_schema=False)
    _add_page(router, title)
    _add_events(router, Changes(recorder))
    return router


def _recorder(app: FastAPI) -> Recorder:
    recorder = recorder_of(app)
    if recorder is None:
        raise FastAPITasksUninitializedAppError(
            "mount() found no recorder in this app: call add_tasks(app) first"
        )
    if app.middleware_stack is not None:
        raise RuntimeError(
            "mount() was called after the app had started: call it right after add_tasks(app)"
        )
    return recorder


def _add_page(router: APIRouter, title: str) -> None:
    # At the end of a slash, so that the page's own addresses can be relative, whatever is before.
    @router.get("/")
    async def page() -> HTMLResponse:
        headers = {"Content-Security-Policy": LIVE_POLICY, "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(live_html("events", title=title), headers=headers)

    @router.get("/timeline.js")
    async def script() -> Response:
        return Response(asset("timeline.js"), media_type="text/javascript")


def _add_events(router: APIRouter, changes: Changes) -> None:
    @router.get("/events")
    async def events(request: Request) -> StreamingResponse:
        cursor = Cursor.parse(request.headers.get("last-event-id", ""))
        return StreamingResponse(
            _stream(changes, cursor, request.scope),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


async def _stream(changes: Changes, cursor: Cursor, scope: Scope) -> AsyncIterator[str]:
    """Send what is new, at most so often, for a while: a browser then comes back by itself."""
    yield RETRY
    with changes.reading():
        until = time.monotonic() + STREAM
        while time.monotonic() < until and not stopping(scope):
            if changes.any_since(cursor):
                news = changes.since(cursor)
                cursor = news.cursor
                for message in messages(news.lines, news.dropped, cursor):
                    yield message
            await anyio.sleep(FRAME)
