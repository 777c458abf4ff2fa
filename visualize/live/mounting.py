"""Put the live page into an app."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.params import Depends as Dependency

from fastapi_tasks import Recorder, recorder_of
from fastapi_tasks.errors import FastAPITasksUninitializedAppError

from .pages import LivePage
from .stopping import signalled

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


def mount(
    app: FastAPI,
    path: str = "/_timeline",
    *,
    dependencies: Sequence[Dependency] | None = None,
    anywhere: bool = False,
) -> LivePage:
    """Show the requests of a running app, as they happen, on a page of its own at `path`.

    `dependencies` decide who may see it. Without them it asks for a token, which is in the URL
    that is logged when the app starts, or at the first visit where the server does not tell its
    address, and answers this machine only; with `anywhere` the token is enough. The page's own
    requests are not recorded. Return the page, whose `address` is its path with the token. Raises
    FastAPITasksUninitializedAppError if the app is not recorded yet, ValueError for a path that
    does not begin with a slash or has nothing after it, RuntimeError when the app has started.
    """
    recorder = _recorder(app)
    prefix = path.rstrip("/")
    if not prefix.startswith("/"):
        raise ValueError(
            f"mount() got the path {path!r}, where no page can be: give one that begins with a "
            'slash, such as "/_timeline"'
        )
    page = LivePage(recorder, prefix, app.title, dependencies, anywhere=anywhere)
    before = list(app.router.routes)
    app.include_router(page.router())
    # In front: a route that takes every path may have been there first.
    added = app.router.routes[len(before) :]
    app.router.routes[:] = [*added, *before]
    app.router.lifespan_context = _announcing(app.router.lifespan_context, page)
    recorder.ignore(prefix)
    return page


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


def _announcing(lifespan: Lifespan, page: LivePage) -> Lifespan:
    @asynccontextmanager
    async def announced(app: Any) -> AsyncIterator[Any]:
        async with lifespan(app) as state:
            if (server := _own_address()) is not None:
                page.announce(server)
            page.start()
            try:
                yield state
            finally:
                page.stop()

    return announced


def _own_address() -> str | None:
    """Return where the server answers, if it says so before it does."""
    config = getattr(signalled(), "config", None)
    host, port = getattr(config, "host", None), getattr(config, "port", 0)
    if not host or not port or getattr(config, "uds", None) or getattr(config, "fd", None):
        return None
    if getattr(config, "callback_notify", None) is not None:
        # A worker of gunicorn's, which has bound the socket itself: what stands here is a default.
        return None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    scheme = "https" if getattr(config, "is_ssl", False) else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
