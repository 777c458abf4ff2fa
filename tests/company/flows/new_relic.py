"""New Relic: transactions by name, with their errors and what they called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import newrelic.agent

newrelic.agent.initialize()

from fastapi import FastAPI  # noqa: E402
from newrelic.core.application import Application  # noqa: E402

from tests.company.shop import Lines, Shop, answer_errors  # noqa: E402


def stay_at_home() -> None:
    """Ask no cloud whether this machine is one of its own."""
    asks = newrelic.agent.global_settings().utilization
    for name in [name for name in vars(asks) if name.startswith("detect_")]:
        setattr(asks, name, False)


def see_agent(shop: Shop) -> dict[str, Lines]:
    return _see(shop)


def see_app_that_answers_errors(shop: Shop) -> dict[str, Lines]:
    return _see(shop, answer_errors)


def _see(shop: Shop, integrate: Callable[[FastAPI], object] = lambda _: None) -> dict[str, Lines]:
    stay_at_home()
    newrelic.agent.register_application(timeout=10.0)
    kept: list[Any] = []
    Application.record_transaction = lambda _, transaction, *__: kept.append(transaction)
    shop.run(integrate)
    return {
        "transactions": [f"{one.type} {one.path} {_told(one)}" for one in kept],
        "errors": [f"{one.path} {e.type} {e.message}" for one in kept for e in one.errors],
        "calls": [f"{call} in {one.path}" for one in kept for call in _called(one.root)],
    }


def _told(transaction: Any) -> dict[str, Any]:
    told = {one.name: one.value for one in transaction.agent_attributes}
    return {name: told.get(name) for name in ("request.method", "request.uri", "response.status")}


def _called(node: Any) -> Iterator[str]:
    for child in node.children:
        yield child.name
        yield from _called(child)
