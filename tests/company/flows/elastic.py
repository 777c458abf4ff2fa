"""Elastic APM: transactions, spans, and errors with their culprits."""

from __future__ import annotations

from typing import Any

from elasticapm.contrib.starlette import ElasticAPM, make_apm_client
from elasticapm.transport.base import Transport
from fastapi import FastAPI

from tests.company.shop import Lines, Shop, answer_errors

kept: list[tuple[str, dict[str, Any]]] = []


class Kept(Transport):
    """Keeps what it should have sent."""

    def __init__(self, *_: Any, client: Any, **__: Any) -> None:
        super().__init__(client)

    def start_thread(self, pid: int | None = None) -> None: ...

    def queue(self, event_type: str, data: Any, flush: bool = False) -> None:
        kept.append((event_type, data))


def add(app: FastAPI) -> None:
    middleware: Any = ElasticAPM
    client = make_apm_client(
        {
            "SERVICE_NAME": "shop",
            "TRANSPORT_CLASS": f"{Kept.__module__}.{Kept.__name__}",
            "CENTRAL_CONFIG": False,
            "METRICS_INTERVAL": "0ms",
            "CLOUD_PROVIDER": False,
            "CAPTURE_BODY": "all",
        }
    )
    app.add_middleware(middleware, client=client)


def see_middleware(shop: Shop) -> dict[str, Lines]:
    shop.run(add)
    return saw()


def see_app_that_answers_errors(shop: Shop) -> dict[str, Lines]:
    def integrate(app: FastAPI) -> None:
        answer_errors(app)
        add(app)

    shop.run(integrate)
    return saw()


def saw() -> dict[str, Lines]:
    return {
        "transactions": [_transaction(data) for kind, data in kept if kind == "transaction"],
        "errors": [_error(data) for kind, data in kept if kind == "error"],
    }


def _transaction(data: dict[str, Any]) -> str:
    told = [data[what] for what in ("name", "type", "result", "outcome", "sampled", "span_count")]
    return f"{told} {data['context'].get('response')}"


def _error(data: dict[str, Any]) -> str:
    error = data["exception"]
    return f"{data['culprit']} {error['type']} {error['message']} {error['handled']}"
