"""What an app declares: the path of a request, the packages that its endpoints are in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fastapi.routing
from starlette.applications import Starlette
from starlette.routing import Host, Mount
from starlette.types import Scope


def route_path(scope: Scope) -> str | None:
    """Return the path of the route that took this request, with the prefixes before it.

    None where no route fits, or the app has none.
    """
    route = scope.get("route")
    path: str | None = getattr(route, "path", None)
    if path is None:
        # Litestar's name for it.
        return scope.get("path_template")
    if "fastapi" in scope:
        # A router may be included many times, each time under a prefix of its own.
        included = scope["fastapi"].get("effective_route_context")
        if included is not None and included.original_route is route:
            path = included.path
    inside = scope.get("app_root_path")
    if inside is None:
        return path
    # Below a mount, whose routes keep their own paths.
    mounted = _declared(scope["root_path"].removeprefix(inside), scope, route)
    return mounted if isinstance(route, Mount) else mounted + path


def _declared(mounted: str, scope: Scope, route: Any) -> str:
    """Write the path of the mounts with the names of their parameters in place of the values."""
    if isinstance(route, Mount):
        return mounted
    own = getattr(route, "param_convertors", {})
    parts = mounted.split("/")
    end = len(parts)
    # From the end: the inner ones come last, and a value may be equal to what stands before it.
    for name, value in reversed(scope.get("path_params", {}).items()):
        places = [] if name in own else [i for i in range(end) if parts[i] == str(value)]
        if places:
            end = places[-1]
            parts[end] = f"{{{name}}}"
    return "/".join(parts)


def starlette_in(app: Any) -> Starlette | None:
    """Return the Starlette or FastAPI app that is `app` or is wrapped in it; None without one."""
    while app is not None and not isinstance(app, Starlette):
        app = getattr(app, "app", None)
    return app


def mounted_in(route: Any) -> Starlette | None:
    """Return the app that is mounted by this route, None where none is."""
    mount = getattr(route, "original_route", route)
    return starlette_in(mount.app) if isinstance(mount, (Host, Mount)) else None


def packages_of(app: Any) -> set[str]:
    """Name the top packages of an app's endpoints, those of apps mounted in it too."""
    endpoints = (getattr(route, "endpoint", None) for route in routes_of(app))
    modules = (getattr(endpoint, "__module__", None) for endpoint in endpoints)
    return {module.partition(".")[0] for module in modules if module}


def routes_of(holder: Any) -> Iterator[Any]:
    """Yield all routes of an app, those of included routers and of apps mounted in it too."""
    routes = getattr(holder, "routes", None)
    # Other frameworks mean something else by that.
    if not isinstance(routes, list):
        return
    # The routes of an included router, where FastAPI keeps them apart.
    each: Any = getattr(fastapi.routing, "iter_route_contexts", iter)
    for route in each(routes):
        yield route
        yield from routes_of(getattr(route, "original_route", route))
