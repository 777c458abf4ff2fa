"""Let the app's real lifespan run around every request that comes without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

import anyio
from anyio.lowlevel import current_token

living: WeakKeyDictionary[Any, list[object]] = WeakKeyDictionary()
"""The event loops on which the lifespan of an app runs."""


def around_test_clients(module: Any) -> None:
    """Do so for a TestClient that is used outside of `with`, if its app has a lifespan at all."""
    from starlette.applications import Starlette

    alone = module.TestClient._portal_factory

    @contextmanager
    def portal_with_lifespan(self: Any) -> Iterator[Any]:
        if self.portal is not None or not isinstance(self.app, Starlette):
            with alone(self) as portal:
                yield portal
            return
        with self:
            yield self.portal

    # There is no public way to reach requests, streams and WebSockets at once.
    module.TestClient._portal_factory = portal_with_lifespan


def around_calls(made: Any) -> None:
    """Do so for apps of this class that are called as a server calls them."""
    call = made.__call__

    @wraps(call)
    async def with_lifespan(self: Any, scope: Any, receive: Any, send: Any) -> None:
        loops = living.setdefault(self, [])
        if scope["type"] == "lifespan":
            loops.append(current_token())
            try:
                await call(self, scope, receive, send)
            finally:
                loops.remove(current_token())
        elif current_token() in loops or scope.get("company"):
            await call(self, scope, receive, send)
        else:
            scope["company"] = True  # an app that is mounted in this one needs none
            async with lifespan(self):
                await call(self, scope, receive, send)

    made.__call__ = with_lifespan


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Run the lifespan of `app` in a task of its own, which a cancelled request leaves alone."""
    to_app, app_receives = anyio.create_memory_object_stream[dict[str, Any]](2)
    app_sends, from_app = anyio.create_memory_object_stream[dict[str, Any]](2)

    async def live() -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        with app_receives, app_sends:
            await app(scope, app_receives.receive, app_sends.send)

    with to_app, from_app:
        wait = start(live)
        await to_app.send({"type": "lifespan.startup"})
        await from_app.receive()
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await to_app.send({"type": "lifespan.shutdown"})
                await from_app.receive()
                await wait()


def start(live: Callable[[], Any]) -> Callable[[], Any]:
    """Start a task that belongs to nobody; return what waits for its end."""
    ended = anyio.Event()

    async def run() -> None:
        try:
            await live()
        finally:
            ended.set()

    try:
        tasks.add(asyncio.get_running_loop().create_task(run()))
    except RuntimeError:
        import trio

        trio.lowlevel.spawn_system_task(run)
    return ended.wait


tasks: set[asyncio.Task[None]] = set()
"""What asyncio itself would forget."""
