"""OpenTelemetry's spans and metrics, in lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.company.shop import Lines

STACKTRACE = re.compile("stacktrace")
"""It names each frame between the server and the error, ours too."""


class Telemetry:
    """Providers that keep in memory what they get."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meter_provider = MeterProvider(metric_readers=[self._reader])

    @property
    def saw(self) -> dict[str, Lines]:
        spans = described(self._exporter.get_finished_spans())
        return spans | {"metrics": list(self._points())}

    def _points(self) -> Iterable[str]:
        data: Any = self._reader.get_metrics_data()
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        number = getattr(point, "count", None) or point.value
                        attributes = harmless(point.attributes, STACKTRACE)
                        yield f"{scope.scope.name} {metric.name} {attributes}: {number}"


def harmless(attributes: Mapping[str, Any] | None, leave_out: re.Pattern[str]) -> dict[str, Any]:
    """Return the attributes by name, without those that differ from run to run."""
    return {
        name: value
        for name, value in sorted((attributes or {}).items())
        if not leave_out.search(name)
    }


def described(
    spans: Iterable[ReadableSpan], leave_out: re.Pattern[str] = STACKTRACE
) -> dict[str, Lines]:
    """Return the spans of the app, and apart from these those of our tasks.

    `leave_out` finds the attributes that differ from run to run.
    """
    spans = list(spans)
    parents = {span.context.span_id: span for span in spans}
    saw: dict[str, Lines] = {"spans": [], "task spans": []}
    for span in spans:
        names = [span.name]
        above = span
        while above.parent is not None and above.parent.span_id in parents:
            above = parents[above.parent.span_id]
            names.append(above.name)
        attributes = harmless(span.attributes, leave_out)
        if "fastapi_tasks.mode" in attributes:
            assert span.context.trace_id == above.context.trace_id
            saw["task spans"].append(f"{span.name} of {names[-1].split()[-1]}")
        else:
            events = [f"{e.name} {harmless(e.attributes, leave_out)}" for e in span.events]
            line = f"{' < '.join(names)} {span.kind.name} {span.status.status_code.name} "
            saw["spans"].append(line + f"{span.status.description} {attributes} {events}")
    return saw
