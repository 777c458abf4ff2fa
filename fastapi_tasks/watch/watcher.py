"""Watching one app: hooks are put in place as it starts, and its requests say where they are."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, suppress
from contextvars import Token
from functools import partial
from typing import Any

from starlette.types import Scope

from ..dependency import get_tasks
from ..endpoint import mark_route, route_of
from ..keeper import Keeper
from ..loops import current_loop
from ..request import Request
from ..routes import mounted_in, packages_of, routes_of, starlette_in
from . import background, framework, greenlets, http, redis, spawned, sql, telemetry_source, threads
from .dependencies import watch_dependant
from .endpoints import watch_endpoint
from .frames import belongs_to_app
from .here import Here, here
from .hook import tried
from .lifespan import within_lifespan
from .loop import begin_watch, end_watch
from .middlewares import watch_mounted

if hasattr(os, "register_at_fork"):
    # What a forked process does is part of no request, and the locks of whoever listens to those
    # may be taken there for good. A pool for processes forks where an endpoint first asks it.
    os.register_at_fork(after_in_child=partial(here.set, None))

HOOKS = (background, framework, spawned, threads, sql, greenlets, http, redis, telemetry_source)


class Watcher:
    """Watches an app, which may be none of FastAPI's."""

    def __init__(self, app: Any, keeper: Keeper) -> None:
        self._app = app
        self._keeper = keeper
        self._modules = 0
        self._routes: dict[int, Any] = {}
        # By the thread of each loop: what its end closes.
        self._looking: dict[int, AsyncGenerator[None, None]] = {}
        keeper.own_packages = partial(packages_of, app)

    def start(self) -> None:
        """Put all hooks in place; where a library is not there, its own does nothing."""
        self._install()
        for route in routes_of(starlette_in(self._app)):
            tried(self._watch_route, route)
            mounted = mounted_in(route)
            if mounted is not None:
                tried(watch_mounted, mounted)

    def lifespan(self) -> AbstractContextManager[None]:
        """Record what the app starts in its lifespan: its tasks; the other hooks come later."""
        belongs_to_app(*self._keeper.own_packages())
        spawned.install()
        return within_lifespan(self._keeper)

    def enter(self, request: Request) -> Token[Here | None]:
        """Record all that runs here from now on as part of this request; return what ends that."""
        if len(sys.modules) != self._modules:
            self._install()
        # Either may have been set meanwhile: the loop's task factory, the app's tracer provider.
        spawned.install()
        telemetry_source.look_again()
        if request.thread not in self._keeper.loops.watches:
            tried(self._look, request.thread)
        request.background = []
        return here.set(Here(request))

    def leave(self, request: Request, scope: Scope, entered: Token[Here | None]) -> None:
        """Take note that the app is done with a request that was entered."""
        here.reset(entered)
        if request.background:
            tried(background.discard, request, request.background)
        # A route that was added late, or FastAPI has built anew.
        route = route_of(scope)
        inside = getattr(route, "dependant", None) or route
        if self._routes.get(id(inside)) is not inside:
            tried(self._watch_route, route)
            self._routes[id(inside)] = inside

    def _look(self, thread: int) -> None:
        # No lifespan is up, as where a server runs an app that knows none.
        looking = self._looking[thread] = self._until_loop_ends(thread)
        with suppress(StopIteration):
            looking.asend(None).send(None)

    async def _until_loop_ends(self, thread: int) -> AsyncGenerator[None, None]:
        """Look at the loop that runs here: when it ends, it closes all generators begun on it."""
        begin_watch(self._keeper, current_loop())
        try:
            yield
        finally:
            end_watch(self._keeper)
            del self._looking[thread]

    def _install(self) -> None:
        # A library may be imported late, and then its hook finds it.
        self._modules = len(sys.modules)
        belongs_to_app(*self._keeper.own_packages())
        for hook in HOOKS:
            hook.install()

    def _watch_route(self, route: Any) -> None:
        if getattr(route, "dependant", None) is None:
            watch_endpoint(route)
        else:
            mark_route(route)
            watch_dependant(route.dependant, get_tasks)
