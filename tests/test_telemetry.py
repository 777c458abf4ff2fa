"""Each task as a span in its request's trace, where an OpenTelemetry SDK is configured."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from .servers import ROOT


def run(how: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.served.telemetry", how],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@dataclass
class Trace:
    """The spans that were exported, and the id of the span that was current in each place."""

    spans: list[dict[str, Any]]
    current: dict[str, str]

    def named(self, name: str) -> dict[str, Any]:
        (span,) = (span for span in self.spans if span["name"] == name)
        return span

    def holding(self, place: str) -> dict[str, Any]:
        found = (s for s in self.spans if s["context"]["span_id"] == self.current[place])
        (span,) = found
        return span


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")
    return {backend: Trace(**found) for backend, found in run("with").items()}


@pytest.fixture(params=["asyncio", "trio"])
def trace(request: pytest.FixtureRequest, traces: dict[str, Trace]) -> Trace:
    return traces[request.param]


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("immediate", "immediate"),
        ("after_route", "after_route"),
        ("after_response", "after_response"),
        ("in thread", "after_response"),
        ("parent", "after_response"),
    ],
)
def test_a_task_is_a_span_whose_parent_was_current_where_it_was_scheduled(
    trace: Trace, name: str, mode: str
) -> None:
    span = trace.named(name)
    endpoint = trace.holding("endpoint")
    assert trace.holding(name) == span
    assert span["parent_id"] == endpoint["context"]["span_id"]
    assert span["context"]["trace_id"] == endpoint["context"]["trace_id"]
    assert span["attributes"] == {"fastapi_tasks.mode": mode}
    assert span["status"] == {"status_code": "UNSET"}


def test_it_goes_on_after_the_span_of_its_request_has_ended(trace: Trace) -> None:
    assert trace.named("after_response")["end_time"] > trace.named("server /orders")["end_time"]


def test_a_task_scheduled_by_a_task_is_its_child(trace: Trace) -> None:
    parent, child = trace.named("parent"), trace.named("child")
    assert child["parent_id"] == parent["context"]["span_id"]
    assert child["context"]["trace_id"] == parent["context"]["trace_id"]
    assert child["start_time"] >= parent["start_time"]


def test_a_failed_task_shows_the_type_of_its_error_and_nothing_else_of_it(trace: Trace) -> None:
    span = trace.named("charge")
    assert span["status"] == {"status_code": "ERROR"}
    assert span["attributes"] == {
        "fastapi_tasks.mode": "after_response",
        "error.type": "ValueError",
    }
    assert span["events"] == []
    assert "4111 1111" not in json.dumps(trace.spans)


def test_a_name_of_another_encoding_is_one_that_an_exporter_can_encode(trace: Trace) -> None:
    assert trace.named(r"import caf\udce9.csv")["name"].encode()


def test_a_task_cancelled_at_shutdown_ends_its_span(trace: Trace) -> None:
    span = trace.named("endless")
    assert span["status"] == {"status_code": "ERROR"}
    assert span["attributes"]["error.type"] in ("CancelledError", "Cancelled")


def test_without_an_sdk_there_is_no_span_and_none_is_imported() -> None:
    found = run("without")
    places = ["endpoint", "immediate", "after_route", "after_response", "in thread"]
    assert found == {
        "current": dict.fromkeys([*places, "parent", "charge", "child"]),
        "sdk": [],
    }
