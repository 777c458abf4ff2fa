"""asgi-correlation-id: the header of each answer, and the id in log lines and tasks."""

from __future__ import annotations

import logging
from itertools import count

from asgi_correlation_id import CorrelationIdFilter, CorrelationIdMiddleware, correlation_id
from fastapi import FastAPI

from tests.company.shop import Lines, Shop


class Kept(logging.Handler):
    """Keeps what a log line would say."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Lines = []
        self.addFilter(CorrelationIdFilter())

    def emit(self, record: logging.LogRecord) -> None:
        told = vars(record)["correlation_id"]
        self.lines.append(f"{told} {record.getMessage()}")


def see_middleware(shop: Shop) -> dict[str, Lines]:
    kept, log, numbers = Kept(), logging.getLogger("shop"), count()
    log.addHandler(kept)
    log.setLevel(logging.INFO)

    def integrate(app: FastAPI) -> None:
        app.add_middleware(
            CorrelationIdMiddleware,
            generator=lambda: f"id-{next(numbers)}",
            validator=None,
        )

        @app.get("/logged")
        async def logged() -> None:
            log.info("order taken")

    shop.look = correlation_id.get
    shop.run(integrate, also=[("GET /logged", "GET /logged 200")])
    return {"log": kept.lines, "headers": shop.headers("x-request-id")}
