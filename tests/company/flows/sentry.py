"""Sentry: errors with what raised them, transactions with their spans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration
from sentry_sdk.transport import Transport

from tests.company.shop import Lines, Shop, answer_errors

OURS = "fastapi_tasks"


class Kept(Transport):
    """Keeps what it should have sent."""

    items: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012

    def capture_envelope(self, envelope: Envelope) -> None:
        self.items += [(item.type or "", item.payload.json or {}) for item in envelope.items]


def init(**options: Any) -> None:
    sentry_sdk.init(
        dsn="https://public@sentry.invalid/1",
        transport=Kept,
        traces_sample_rate=1.0,
        send_client_reports=False,
        auto_session_tracking=False,
        **options,
    )


def saw() -> dict[str, Lines]:
    sentry_sdk.flush()
    return {
        "errors": [_error(item) for kind, item in Kept.items if kind == "event"],
        "transactions": [_transaction(item) for kind, item in Kept.items if kind == "transaction"],
    }


def _error(event: dict[str, Any]) -> str:
    lines = [event["transaction"], event["request"]["url"], str(event["transaction_info"])]
    for one in event["exception"]["values"]:
        frames = [
            f"{frame['module']}.{frame['function']}"
            for frame in one["stacktrace"]["frames"]
            if not frame["module"].startswith(OURS) and not frame["module"].startswith("tests.asgi")
        ]
        lines.append(f"{one['type']} {one['value']} {one['mechanism']} {frames}")
    return " | ".join(lines)


def _transaction(event: dict[str, Any]) -> str:
    context = event["contexts"]
    trace = {name: context["trace"].get(name) for name in ("op", "status", "origin")}
    # Which thread differs from run to run; its name does not.
    thread = context["trace"]["data"]["thread.name"]
    return (
        f"{event['transaction']} {event['transaction_info']} {trace} {thread} "
        f"{context.get('response')} {event.get('tags')}"
    )


def see_init_after_the_app(shop: Shop) -> dict[str, Lines]:
    shop.run(lambda _: init())
    return saw()


def see_app_that_answers_errors(shop: Shop) -> dict[str, Lines]:
    init()
    shop.run(answer_errors)
    return saw()


def see_init_before_the_app(shop: Shop) -> dict[str, Lines]:
    init()
    shop.run()
    return saw()


def see_middlewares_and_endpoints(shop: Shop) -> dict[str, Lines]:
    """A span for each middleware, transactions called after the endpoint."""
    options: dict[str, Any] = {"transaction_style": "endpoint", "middleware_spans": True}
    init(integrations=[StarletteIntegration(**options), FastApiIntegration(**options)])
    shop.run()
    transactions = [item for kind, item in Kept.items if kind == "transaction"]
    return saw() | {"spans": [line for one in transactions for line in _spans(one)]}


def _spans(transaction: dict[str, Any]) -> Iterator[str]:
    for span in transaction["spans"]:
        # Of receive and send it tells the function that happened to be outside of that middleware.
        passed_on = span["op"].endswith((".receive", ".send"))
        what = span["op"] if passed_on else f"{span['op']} {span['description']}"
        yield f"{what} of {transaction['transaction']}"
