"""slowapi: requests over their limit, and the headers that tell how many are left."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded
from slowapi.middleware import SlowAPIASGIMiddleware, SlowAPIMiddleware
from slowapi.util import get_remote_address

from fastapi_tasks import Tasks
from tests.company.shop import Lines, Shop

ALSO = [
    ("GET /limited", "GET /limited 200: mail after_response ok"),
    ("GET /limited", "GET /limited 429"),
]


def _see(shop: Shop, middleware: Any) -> dict[str, Lines]:
    def integrate(app: FastAPI) -> None:
        limiter = Limiter(get_remote_address, default_limits=["100/hour"], headers_enabled=True)
        app.state.limiter = limiter
        handler: Any = _rate_limit_exceeded_handler
        app.add_exception_handler(RateLimitExceeded, handler)
        app.add_middleware(middleware)

        @app.get("/limited")
        @limiter.limit("1/hour")
        async def limited(request: Request, response: Response, tasks: Tasks) -> str:
            tasks.after_response.schedule(shop.job("mail"))
            return "here you are"

    shop.run(integrate, also=ALSO)
    return {"left": shop.headers("x-ratelimit-limit", "x-ratelimit-remaining")}


def see_middleware(shop: Shop) -> dict[str, Lines]:
    return _see(shop, SlowAPIMiddleware)


def see_asgi_middleware(shop: Shop) -> dict[str, Lines]:
    return _see(shop, SlowAPIASGIMiddleware)
