"""Prometheus: what its two middlewares count."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastapi import FastAPI
from prometheus_client import REGISTRY
from prometheus_fastapi_instrumentator import Instrumentator
from starlette_exporter import PrometheusMiddleware, handle_metrics

from tests.company.shop import Lines, Shop

TIMED = re.compile(r"_created$|(duration|latency|highr).*_sum$|_bucket$")


def counted() -> Iterator[str]:
    """Return the samples that do not depend on time."""
    for metric in REGISTRY.collect():
        if metric.name.startswith(("http", "starlette")):
            for sample in metric.samples:
                if not TIMED.search(sample.name):
                    yield f"{sample.name} {sample.labels}: {sample.value}"


def see_instrumentator(shop: Shop) -> dict[str, Lines]:
    def integrate(app: FastAPI) -> None:
        Instrumentator(should_instrument_requests_inprogress=True).instrument(app).expose(app)

    shop.run(integrate)
    return {"metrics": list(counted())}


def see_exporter(shop: Shop) -> dict[str, Lines]:
    def integrate(app: FastAPI) -> None:
        app.add_middleware(PrometheusMiddleware, app_name="shop", group_paths=True)
        app.add_route("/metrics", handle_metrics)

    shop.run(integrate)
    return {"metrics": list(counted())}
