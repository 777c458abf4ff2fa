"""starlette-context: the context of each request, in its endpoint, its header and its tasks."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette_context import context, plugins
from starlette_context.middleware import ContextMiddleware, RawContextMiddleware

from tests.company.shop import Lines, Shop


def _see(shop: Shop, middleware: Any) -> dict[str, Lines]:
    seen: Lines = []

    def integrate(app: FastAPI) -> None:
        app.add_middleware(
            middleware, plugins=(plugins.RequestIdPlugin(), plugins.CorrelationIdPlugin())
        )

        @app.get("/context")
        async def in_context() -> None:
            context["seen"] = "by the endpoint"
            seen.append(f"{sorted(map(str, context.data))} {context['seen']}")

    # Of these two only the raw one makes a context for a WebSocket.
    shop.look = lambda: context.data["X-Request-ID"] if context.exists() else None
    shop.run(integrate, also=[("GET /context", "GET /context 200")])
    # An id of its own for each answer.
    ids = shop.headers("x-request-id")
    return {"endpoint": seen, "ids": [f"{len(ids)} headers, {len(set(ids))} ids"]}


def see_raw_middleware(shop: Shop) -> dict[str, Lines]:
    return _see(shop, RawContextMiddleware)


def see_middleware(shop: Shop) -> dict[str, Lines]:
    """The one that is built upon Starlette's BaseHTTPMiddleware."""
    return _see(shop, ContextMiddleware)
