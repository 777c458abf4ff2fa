"""The path of a request as its app declares it."""

from __future__ import annotations

from typing import Any

from starlette.routing import Mount
from starlette.types import Scope


def route_path(scope: Scope) -> str | None:
    """Return the path of the route that took this request, with the prefixes before it.

    None where no route fits, or the app has none.
    """
    route = scope.get("route")
    path: str | None = getattr(route, "path", None)
    if path is None:
        return None
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
    own = getattr(route, "param_convertors", {})
    names = {
        str(value): name for name, value in scope.get("path_params", {}).items() if name not in own
    }
    if not names or isinstance(route, Mount):
        return mounted
    parts = mounted.split("/")
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in parts)
