"""sse-starlette: a stream of events beside tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import FastAPI
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.background import BackgroundTask

from fastapi_tasks import Tasks
from tests.company.shop import Lines, Shop

ALSO = [("GET /events", "GET /events 200: book after_route ok, mail after_response ok")]


def see_stream(shop: Shop) -> dict[str, Lines]:
    log: Lines = []

    async def events() -> AsyncIterator[ServerSentEvent]:
        for number in range(3):
            await asyncio.sleep(0)
            yield ServerSentEvent(str(number), event="count")
        log.append("the stream ended")

    async def clean_up() -> None:
        log.append("the response's own background task ran")

    def integrate(app: FastAPI) -> None:
        @app.get("/events")
        async def stream(tasks: Tasks) -> EventSourceResponse:
            tasks.after_route.schedule(shop.job("book"))
            tasks.after_response.schedule(shop.job("mail"))
            return EventSourceResponse(events(), background=BackgroundTask(clean_up))

    shop.run(integrate, also=ALSO)
    return {"log": log}
