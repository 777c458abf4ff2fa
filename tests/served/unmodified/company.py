"""One small shop, in the company of what others watch their apps with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, FastAPI


def get_stock() -> Iterator[list[str]]:
    yield ["pen"]


async def reserve() -> None: ...


def send_mail() -> None: ...


def shop(span: Any = nullcontext) -> FastAPI:
    """Make the app; `span` makes one of the app's own around a part of its work."""
    app = FastAPI()

    @app.get("/order/{number}")
    async def order(
        number: int, background: BackgroundTasks, stock: Annotated[list[str], Depends(get_stock)]
    ) -> list[str]:
        with span("own work"):
            await asyncio.create_task(reserve())
        background.add_task(send_mail)
        return stock

    return app


def alone() -> FastAPI:
    return shop()


def _sdk(sampler: str) -> FastAPI:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider, sampling

    trace.set_tracer_provider(TracerProvider(sampler=getattr(sampling, sampler)))
    return shop(trace.get_tracer("shop").start_as_current_span)


def with_sdk() -> FastAPI:
    return _sdk("ALWAYS_ON")


def with_sdk_that_drops_all() -> FastAPI:
    return _sdk("ALWAYS_OFF")


def with_sentry() -> FastAPI:
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Nowhere(Transport):
        def capture_envelope(self, envelope: Any) -> None: ...

    sentry_sdk.init(transport=Nowhere, traces_sample_rate=1.0)
    return shop(lambda name: sentry_sdk.start_span(name=name))


def with_logfire() -> FastAPI:
    import logfire

    logfire.configure(send_to_logfire=False, console=False)
    app = shop(logfire.span)
    logfire.instrument_fastapi(app)
    return app
