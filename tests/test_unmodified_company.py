"""The same app in the company of other watchers, each recorded by the command line as it is."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from .test_unmodified import recorded, trees

WHOLE = [
    "dependency get_stock",
    "validation parameters",
    "endpoint order",
    "serialization response",
    "sending response",
    "close get_stock",
    "spawned reserve: ok",
    "background send_mail: ok",
]


def ask(client: httpx.Client) -> None:
    assert client.get("/order/1").json() == ["pen"]


def whole(name: str, place: Path) -> list[str]:
    ((title, lines),) = trees(recorded(name, ask, place)).items()
    assert title == "GET /order/1 #1: 200"
    return lines


def test_alone(tmp_path: Path) -> None:
    assert whole("company:alone", tmp_path) == WHOLE


def test_with_an_sdk_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")
    own = "  telemetry own work"
    assert whole("company:with_sdk", tmp_path) == [*WHOLE[:3], own, *WHOLE[3:]]


def test_with_an_sdk_whose_sampler_drops_everything(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")
    assert whole("company:with_sdk_that_drops_all", tmp_path) == WHOLE


def test_with_sentry(tmp_path: Path) -> None:
    pytest.importorskip("sentry_sdk", reason="sentry-sdk is not installed")
    assert whole("company:with_sentry", tmp_path) == WHOLE


def test_with_logfire(tmp_path: Path) -> None:
    pytest.importorskip("logfire", reason="logfire is not installed")
    own = "  telemetry own work"
    assert whole("company:with_logfire", tmp_path) == [*WHOLE[:3], own, *WHOLE[3:]]
